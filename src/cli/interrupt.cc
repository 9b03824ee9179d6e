#include "cli/interrupt.h"

#include <csignal>
#include <optional>

namespace martlet::cli {

namespace {

// A signal handler can only reach what has static storage; Interrupt allows one at a time.
std::atomic<bool> g_happened{false};
std::optional<CancelToken> g_token;

void on_signal(int signal) {
  if (g_happened.exchange(true)) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
    return;
  }
  if (g_token.has_value()) g_token->cancel();  // an atomic store: safe here
}

}  // namespace

Interrupt::Interrupt(CancelToken token) {
  MARTLET_CHECK(!g_token.has_value(), "only one Interrupt may live");
  g_token = std::move(token);
  g_happened = false;
  std::signal(SIGINT, &on_signal);
  std::signal(SIGTERM, &on_signal);
}

Interrupt::~Interrupt() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  g_token.reset();
}

bool Interrupt::happened() const { return g_happened; }

Result<Timestamp> parse_instant(const std::string& text, const Zone& zone) {
  MARTLET_TRY_SET(const ParsedTime parsed, parse_time(text));
  if (parsed.has_offset) return parse_timestamp_utc(text);
  return zone.instant(parsed.civil);
}

}  // namespace martlet::cli
