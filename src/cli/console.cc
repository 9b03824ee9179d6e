#include "cli/console.h"

#include "base/text.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <unistd.h>

namespace martlet::cli {

namespace {

bool looks_like_a_number(const std::string& text) {
  return !text.empty() && text.find_first_of("0123456789") != std::string::npos &&
         text.find_first_not_of("0123456789+-.,eE% ") == std::string::npos;
}

// Characters, not bytes, and without colour codes.
std::size_t shown_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\033') {
      while (i < text.size() && text[i] != 'm') ++i;
      continue;
    }
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) ++width;
  }
  return width;
}

// A message may quote what a damaged file held; terminals and programs that read us want UTF-8.
std::string readable(std::string_view line) {
  std::string text(line);
  if (is_valid_utf8(text)) return text;
  for (char& c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return text;
}

}  // namespace

Console::Console() {
  const bool wanted = std::getenv("NO_COLOR") == nullptr;
  colour_ = wanted && isatty(STDOUT_FILENO) != 0;
  live_ = isatty(STDERR_FILENO) != 0;
}

std::string Console::painted(const char* code, std::string_view text) const {
  if (!colour_) return std::string(text);
  return "\033[" + std::string(code) + "m" + std::string(text) + "\033[0m";
}

void Console::print(std::string_view line) const {
  if (!json) std::cout << readable(line) << '\n';
}

void Console::print_json(const Json& document) const {
  if (json) std::cout << to_pretty_text(document) << '\n';
}

void Console::note(std::string_view line) const {
  if (!quiet) std::cerr << readable(line) << '\n';
}

void Console::complain(std::string_view line) const { std::cerr << readable(line) << '\n'; }

void Console::table(const std::vector<std::string>& header,
                    const std::vector<std::vector<std::string>>& rows) const {
  if (json) return;
  std::vector<std::size_t> widths;
  for (const std::string& title : header) widths.push_back(shown_width(title));
  std::vector<bool> right(header.size(), !rows.empty());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], shown_width(row[i]));
      if (!row[i].empty() && row[i] != "-" && !looks_like_a_number(row[i])) right[i] = false;
    }
  }
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string text;
    for (std::size_t i = 0; i < cells.size() && i < widths.size(); ++i) {
      const std::string padding(widths[i] - std::min(widths[i], shown_width(cells[i])), ' ');
      if (i > 0) text += "  ";
      text += right[i] ? padding + cells[i] : cells[i] + padding;
    }
    while (!text.empty() && text.back() == ' ') text.pop_back();
    std::cout << text << '\n';
  };
  std::vector<std::string> titles;
  for (const std::string& title : header) titles.push_back(bold(title));
  line(titles);
  for (const auto& row : rows) line(row);
}

void Console::show_step(const std::string& step, const std::string& status,
                        const std::string& detail) {
  if (quiet) return;
  const std::lock_guard lock(mutex_);
  if (!steps_.contains(step)) order_.push_back(step);
  steps_[step] = {status, detail};
  if (live_) {
    draw_steps();
  } else if (status != "running") {
    std::cerr << step << ": " << status << (detail.empty() ? "" : " " + detail) << '\n';
  }
}

void Console::draw_steps() {
  std::string screen;
  if (drawn_ > 0) screen += "\033[" + std::to_string(drawn_) + "A";
  for (const std::string& step : order_) {
    const auto& [status, detail] = steps_[step];
    const char* mark = status == "succeeded" ? "\033[32m✓\033[0m"
                       : status == "cached"  ? "\033[36m=\033[0m"
                       : status == "failed"  ? "\033[31m✗\033[0m"
                       : status == "running" ? "\033[33m…\033[0m"
                                             : "·";
    screen += "\r\033[K" + std::string(mark) + " " + step + "  " + detail.substr(0, 100) + "\n";
  }
  drawn_ = order_.size();
  std::cerr << screen;
}

void Console::end_steps() {
  const std::lock_guard lock(mutex_);
  order_.clear();
  steps_.clear();
  drawn_ = 0;
}

}  // namespace martlet::cli
