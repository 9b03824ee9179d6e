// cli/report_file.h: documents written where the user wants them.
#pragma once
#include "base/result.h"
#include "cli/session.h"
#include "report/document.h"

#include <cstdint>
#include <string>

namespace martlet::cli {

enum class ReportFormat : std::uint8_t { Html, Markdown };

// "html", "markdown"; "" goes by the file's ending: .md and .markdown are Markdown, all else HTML.
// InvalidArgument for another name.
Result<ReportFormat> report_format(const std::string& name, const std::string& file);

struct WrittenReport {
  std::string file;
  ReportFormat format = ReportFormat::Html;
  std::size_t size_bytes = 0;
  Json to_json() const;  // {file, format, size_bytes}
};
// Long work asks before it begins: NotFound when the folder that the file would lie in is not
// there.
Result<void> check_report_file(Session& session, const std::string& file);
// Replaces the file as a whole, or not at all; "-" is stdout. Its folder must exist.
Result<WrittenReport> write_report(Session& session, const report::Document& document,
                                   const std::string& file, ReportFormat format);

}  // namespace martlet::cli
