#include "cli/report_file.h"

#include "base/file_system.h"
#include "report/html.h"
#include "report/markdown.h"

#include <iostream>

namespace martlet::cli {

Result<ReportFormat> report_format(const std::string& name, const std::string& file) {
  if (name == "html") return ReportFormat::Html;
  if (name == "markdown") return ReportFormat::Markdown;
  if (!name.empty())
    return invalid_argument("there is no report format \"" + name + "\"; use html or markdown");
  return file.ends_with(".md") || file.ends_with(".markdown") ? ReportFormat::Markdown
                                                              : ReportFormat::Html;
}

Json WrittenReport::to_json() const {
  return Json{{"file", file},
              {"format", format == ReportFormat::Html ? "html" : "markdown"},
              {"size_bytes", size_bytes}};
}

Result<void> check_report_file(Session& session, const std::string& file) {
  const std::string folder = parent_path(file);
  if (file.empty() || folder.empty() || session.host().files.exists(folder)) return {};
  return not_found("the report can't be written to " + file + ": there is no folder " + folder +
                   "; make it, or choose another");
}

Result<WrittenReport> write_report(Session& session, const report::Document& document,
                                   const std::string& file, ReportFormat format) {
  const std::string text =
      format == ReportFormat::Html ? report::to_html(document) : report::to_markdown(document);
  if (file == "-") {
    if (session.console.json)
      return invalid_argument("--json and a report on stdout exclude each other; name a file");
    std::cout << text;
  } else if (auto written = session.host().files.write_file_durably(file, text);
             !written.has_value()) {
    return fail(std::move(written).error().with_context("writing the report to " + file));
  }
  return WrittenReport{file, format, text.size()};
}

}  // namespace martlet::cli
