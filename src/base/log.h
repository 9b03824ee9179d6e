// base/log.h: structured events.
//
// One Log per process, made in main and handed down by reference; every event is one line on
// stderr, as text or JSON. Event names are stable
// ("run.finished") and listed in docs/events.md. Thread-safe. Never put a Secret in a field (it
// doesn't convert).
#pragma once
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace martlet {

enum class LogLevel : std::uint8_t { Debug, Info, Warn, Error, Off };
enum class LogFormat : std::uint8_t { Text, JsonLines };

struct LogField {
  std::string_view name;
  std::string value;
  LogField(std::string_view n, std::string_view v) : name(n), value(v) {}
  LogField(std::string_view n, const std::string& v) : name(n), value(v) {}
  LogField(std::string_view n, const char* v) : name(n), value(v) {}
  LogField(std::string_view n, double v);
  LogField(std::string_view n, std::int64_t v) : name(n), value(std::to_string(v)) {}
  LogField(std::string_view n, int v) : name(n), value(std::to_string(v)) {}
  LogField(std::string_view n, std::size_t v) : name(n), value(std::to_string(v)) {}
};

class Log {
 public:
  explicit Log(LogLevel level = LogLevel::Info, LogFormat format = LogFormat::Text);
  ~Log();
  // Discards everything: for tests and quiet calls.
  static Log& none();

  void debug(std::string_view event, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::Debug, event, fields);
  }
  void info(std::string_view event, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::Info, event, fields);
  }
  void warn(std::string_view event, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::Warn, event, fields);
  }
  void error(std::string_view event, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::Error, event, fields);
  }
  bool enabled(LogLevel level) const { return level >= level_; }

 private:
  void write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields);
  LogLevel level_;
  LogFormat format_;
  struct Sink;
  std::unique_ptr<Sink> sink_;
};

}  // namespace martlet
