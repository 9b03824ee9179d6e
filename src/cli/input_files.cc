#include "cli/input_files.h"

#include "base/zone.h"
#include "data/source.h"
#include "platform/threads.h"
#include "table/csv.h"

#include <CLI/CLI.hpp>

namespace martlet::cli {

std::shared_ptr<InputFlags> add_input_flags(CLI::App& verb) {
  auto flags = std::make_shared<InputFlags>();
  verb.add_option("--null", flags->nulls,
                  "a spelling that means missing, besides the empty field; may be repeated")
      ->group("Reading CSV")
      ->allow_extra_args(false);
  verb.add_option("--names", flags->names, "names of the columns, separated by commas")
      ->delimiter(',')
      ->group("Reading CSV");
  verb.add_flag("--no-header", flags->no_header, "the first line is data")->group("Reading CSV");
  verb.add_option("--delimiter", flags->delimiter,
                  "one character; found from the first line otherwise")
      ->group("Reading CSV");
  verb.add_option("--comment", flags->comment, "lines that begin with this character are left out")
      ->group("Reading CSV");
  verb.add_option("--skip-lines", flags->skip_lines, "lines before the header")
      ->group("Reading CSV");
  verb.add_flag("--trim", flags->trim, "remove white space around texts")->group("Reading CSV");
  verb.add_option("--zone", flags->zone, "of times without one")
      ->group("Reading CSV")
      ->capture_default_str();
  return flags;
}

Result<columns::Batch> read_input(const std::vector<std::string>& paths, const InputFlags& flags) {
  table::CsvOptions csv;
  csv.threads = platform::hardware_threads();
  csv.header = !flags.no_header;
  csv.names = flags.names;
  csv.nulls = flags.nulls;
  csv.skip_lines = flags.skip_lines;
  csv.trim = flags.trim;
  const auto one_character = [](const std::string& text,
                                const char* flag) -> Result<std::optional<char>> {
    if (text.empty()) return std::optional<char>();
    if (text == "\\t") return std::optional<char>('\t');
    if (text.size() != 1)
      return invalid_argument(std::string(flag) + " takes one character, not \"" + text + "\"");
    return std::optional<char>(text[0]);
  };
  MARTLET_TRY_SET(csv.delimiter, one_character(flags.delimiter, "--delimiter"));
  MARTLET_TRY_SET(csv.comment, one_character(flags.comment, "--comment"));
  MARTLET_TRY_SET(csv.zone, Zone::find(flags.zone));
  return data::read_files(paths, csv);
}

}  // namespace martlet::cli
