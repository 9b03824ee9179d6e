#include "base/log.h"

#include "base/json.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace martlet {

struct Log::Sink {
  std::shared_ptr<spdlog::logger> logger;
};

LogField::LogField(std::string_view n, double v) : name(n), value(shortest(v)) {}

Log::Log(LogLevel level, LogFormat format)
    : level_(level), format_(format), sink_(std::make_unique<Sink>()) {
  sink_->logger = std::make_shared<spdlog::logger>(
      "martlet", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  sink_->logger->set_level(spdlog::level::trace);
  sink_->logger->set_pattern(format == LogFormat::JsonLines ? "%v" : "%Y-%m-%dT%H:%M:%S.%eZ %v",
                             spdlog::pattern_time_type::utc);
}

Log::~Log() = default;

Log& Log::none() {
  static Log log(LogLevel::Off);
  return log;
}

void Log::write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  if (!enabled(level)) return;
  static constexpr const char* kNames[] = {"debug", "info", "warn", "error", "off"};
  const char* level_name = kNames[static_cast<int>(level)];
  std::string line;
  if (format_ == LogFormat::JsonLines) {
    Json object = Json::object();
    object["level"] = level_name;
    object["event"] = std::string(event);
    for (const LogField& field : fields) object[std::string(field.name)] = field.value;
    line = to_text(object);
  } else {
    line = std::string(level_name) + " " + std::string(event);
    for (const LogField& field : fields) {
      const bool plain =
          !field.value.empty() && field.value.find_first_of(" \"\n\r\t=") == std::string::npos;
      line += ' ';
      line += field.name;
      line += '=';
      line += plain ? field.value : to_text(Json(field.value));
    }
  }
  sink_->logger->log(spdlog::level::info, line);
}

}  // namespace martlet
