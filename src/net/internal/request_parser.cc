#include "net/internal/request_parser.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace martlet::net {
namespace {

constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (int c = 0; c < 256; ++c)
    table[static_cast<std::size_t>(c)] =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  for (const char c : std::string_view("!#$%&'*+-.^_`|~"))
    table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr std::array<bool, 256> kToken = make_token_table();

bool is_token_char(char c) { return kToken[static_cast<unsigned char>(c)]; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// `lower_name` is in lower case already.
bool is_named(std::string_view name, std::string_view lower_name) {
  return name.size() == lower_name.size() &&
         std::equal(name.begin(), name.end(), lower_name.begin(),
                    [](char a, char b) { return lower(a) == b; });
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char small = lower(c);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Whether a comma-separated list names `wanted` (lower case).
bool lists(std::string_view value, std::string_view wanted) {
  while (!value.empty()) {
    const std::size_t comma = value.find(',');
    if (is_named(trim_blanks(value.substr(0, comma)), wanted)) return true;
    if (comma == std::string_view::npos) break;
    value.remove_prefix(comma + 1);
  }
  return false;
}

enum class Plus : std::uint8_t { Literal, Space };

// Appends the decoded text. False for a '%' without two hexadecimal digits.
bool decode_percent(std::string_view raw, Plus plus, std::string& out) {
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const char c = raw[i];
    if (c == '+' && plus == Plus::Space) {
      out += ' ';
    } else if (c != '%') {
      out += c;
    } else {
      if (i + 2 >= raw.size()) return false;
      const int high = hex_digit(raw[i + 1]);
      const int low = hex_digit(raw[i + 2]);
      if (high < 0 || low < 0) return false;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return true;
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
}

bool has_dot_segment(std::string_view path) {
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const std::size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    if (segment == "." || segment == "..") return true;
    if (slash == std::string_view::npos) return false;
    path.remove_prefix(slash);
  }
  return false;
}

bool is_host(std::string_view value) {
  return std::ranges::all_of(value, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == ':' || c == '[' || c == ']' || c == '%';
  });
}

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_token_char);
}

bool is_field_value(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7F) || byte == '\t';
  });
}

void HeadParser::reset() { start_ = line_start_ = scanned_ = lines_ = 0; }

bool HeadParser::fail(int status, std::string_view code, std::string_view message) {
  failure_ = {status, code, message};
  return false;
}

ParseState HeadParser::parse(std::string_view bytes, const HttpLimits& limits, Request& request,
                             RequestFraming& framing) {
  const auto failed = [&](int status, std::string_view code, std::string_view message) {
    fail(status, code, message);
    return ParseState::Failed;
  };
  // Answered at once rather than at the time-out: most often TLS spoken to a plain port.
  if (scanned_ == 0 && !bytes.empty() && !is_token_char(bytes[0]) && bytes[0] != '\r')
    return failed(400, "not_http",
                  "this does not begin like an HTTP request (this port does not speak TLS)");
  std::size_t end = 0;  // of the head, 0 while unknown
  while (end == 0) {
    const void* found = scanned_ < bytes.size()
                            ? std::memchr(bytes.data() + scanned_, '\n', bytes.size() - scanned_)
                            : nullptr;
    if (found == nullptr) {
      scanned_ = bytes.size();
      if (bytes.size() > limits.header_bytes)
        return failed(431, "headers_too_large", "the request line and headers exceed the limit");
      return ParseState::NeedMore;
    }
    const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
    if (at >= limits.header_bytes)
      return failed(431, "headers_too_large", "the request line and headers exceed the limit");
    if (at == line_start_ || bytes[at - 1] != '\r')
      return failed(400, "bad_line_end", "a line does not end with CR and LF");
    const bool empty = at - 1 == line_start_;
    scanned_ = at + 1;
    if (!empty)
      ++lines_;
    else if (line_start_ == start_)
      start_ = scanned_;  // RFC 9112 §2.2: empty lines before the request line are skipped
    else
      end = scanned_;
    if (lines_ > limits.headers + 1)
      return failed(431, "too_many_headers", "the request has too many headers");
    line_start_ = scanned_;
  }

  request.headers.clear();
  request.query.clear();
  request.path_parameters.clear();
  request.body = {};
  framing = RequestFraming();
  framing.head_bytes = end;
  std::string_view rest = bytes.substr(start_, end - 2 - start_);
  bool first = true;
  while (!rest.empty()) {
    const std::size_t line_end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, line_end);
    if (first ? !read_request_line(line, request, framing) : !read_header(line, request))
      return ParseState::Failed;
    first = false;
    rest.remove_prefix(line_end + 2);
  }
  if (!frame(request, framing) || !read_target(request)) return ParseState::Failed;
  return ParseState::Done;
}

bool HeadParser::read_request_line(std::string_view line, Request& request,
                                   RequestFraming& framing) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return fail(400, "bad_request_line", "the request line is not \"METHOD target HTTP/1.1\"");
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!is_token(method)) return fail(400, "bad_request_line", "the method is no token");
  if (target.empty() || !std::ranges::all_of(target, [](char c) { return c > 0x20 && c < 0x7F; }))
    return fail(400, "bad_target", "the target holds a character that must be percent-encoded");
  if (version == "HTTP/1.0")
    framing.http_1_0 = true;
  else if (version != "HTTP/1.1")
    return version.starts_with("HTTP/") && version.size() == 8
               ? fail(505, "bad_version", "this server speaks HTTP/1.1 and HTTP/1.0")
               : fail(400, "bad_version", "the request line does not end with an HTTP version");
  const std::optional<Method> known = method_of(method);
  if (!known.has_value())
    return fail(501, "unknown_method", "this server does not know that method");
  request.method = *known;
  request.target = target;
  return true;
}

bool HeadParser::read_header(std::string_view line, Request& request) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
    return fail(400, "bad_header", "a header's name is no token followed by a colon");
  const std::string_view value = trim_blanks(line.substr(colon + 1));
  if (!is_field_value(value))
    return fail(400, "bad_header", "a header's value holds a control character");
  request.headers.push_back({line.substr(0, colon), value});
  return true;
}

bool HeadParser::frame(const Request& request, RequestFraming& framing) {
  int hosts = 0;
  int lengths = 0;
  int codings = 0;
  bool close = false;
  bool keep = false;
  for (const auto& [name, value] : request.headers) {
    if (is_named(name, "host")) {
      ++hosts;
      if (!is_host(value))
        return fail(400, "bad_host", "the Host header is no host name with an optional port");
    } else if (is_named(name, "content-length")) {
      ++lengths;
      if (value.empty() || value.size() > 18)
        return fail(400, "bad_content_length", "Content-Length is no sensible number");
      for (const char c : value) {
        if (c < '0' || c > '9')
          return fail(400, "bad_content_length", "Content-Length is no plain decimal number");
        framing.content_length = framing.content_length * 10 + static_cast<std::uint64_t>(c - '0');
      }
    } else if (is_named(name, "transfer-encoding")) {
      ++codings;
      if (!is_named(value, "chunked"))
        return fail(501, "unknown_transfer_encoding",
                    "the only transfer coding this server knows is chunked");
    } else if (is_named(name, "connection")) {
      close = close || lists(value, "close");
      keep = keep || lists(value, "keep-alive");
    } else if (is_named(name, "expect")) {
      if (!is_named(value, "100-continue"))
        return fail(417, "unknown_expectation", "the only expectation known is 100-continue");
      framing.expects_continue = !framing.http_1_0;
    }
  }
  if (hosts > 1 || (hosts == 0 && !framing.http_1_0))
    return fail(400, "bad_host", "a request has exactly one Host header");
  if (lengths > 1) return fail(400, "bad_content_length", "there is more than one Content-Length");
  if (codings > 1 || (codings == 1 && (lengths > 0 || framing.http_1_0)))
    return fail(400, "conflicting_lengths",
                "Transfer-Encoding comes twice, with Content-Length, or with HTTP/1.0");
  framing.chunked = codings == 1;
  framing.keep_alive = framing.http_1_0 ? keep && !close : !close;
  return true;
}

bool HeadParser::read_target(Request& request) {
  std::string_view rest = request.target;
  if (rest.find('#') != std::string_view::npos)
    return fail(400, "bad_target", "a target has no fragment");
  if (rest == "*") {
    request.path = rest;
    return request.method == Method::Options ||
           fail(400, "bad_target", "only OPTIONS goes to \"*\"");
  }
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!rest.starts_with(scheme)) continue;
    const std::size_t path = rest.find_first_of("/?", scheme.size());
    rest = path == std::string_view::npos ? std::string_view("/") : rest.substr(path);
    if (rest.front() == '?') return fail(400, "bad_target", "the target has no path");
    break;
  }
  if (rest.front() != '/') return fail(400, "bad_target", "the target does not start with a slash");
  const std::size_t question = rest.find('?');
  // What is decoded never gets longer, so the scratch never moves while views point into it.
  scratch_.clear();
  scratch_.reserve(rest.size());
  if (!decode_path(rest.substr(0, question), request)) return false;
  return question == std::string_view::npos || decode_query(rest.substr(question + 1), request);
}

bool HeadParser::decode_path(std::string_view raw, Request& request) {
  request.path = raw;
  if (raw.find('%') != std::string_view::npos) {
    if (!decode_percent(raw, Plus::Literal, scratch_))
      return fail(400, "bad_target", "a % in the path is not followed by two hexadecimal digits");
    request.path = scratch_;
    if (has_control(request.path))
      return fail(400, "bad_path", "the path holds a control character");
    if (!is_valid_utf8(request.path)) return fail(400, "bad_path", "the path is not valid UTF-8");
  }
  if (has_dot_segment(request.path))
    return fail(400, "bad_path", "the path holds a \".\" or \"..\" segment");
  return true;
}

bool HeadParser::decode_query(std::string_view raw, Request& request) {
  const auto decoded = [&](std::string_view text, std::string_view& into) {
    into = text;
    if (text.find_first_of("%+") == std::string_view::npos) return true;
    const std::size_t at = scratch_.size();
    if (!decode_percent(text, Plus::Space, scratch_))
      return fail(400, "bad_target", "a % in the query is not followed by two hexadecimal digits");
    into = std::string_view(scratch_).substr(at);
    return is_valid_utf8(into) || fail(400, "bad_query", "the query is not valid UTF-8");
  };
  while (!raw.empty()) {
    const std::size_t end = raw.find('&');
    const std::string_view pair = raw.substr(0, end);
    if (!pair.empty()) {
      const std::size_t equals = pair.find('=');
      Parameter parameter;
      if (!decoded(pair.substr(0, equals), parameter.name) ||
          !decoded(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1),
                   parameter.value))
        return false;
      request.query.push_back(parameter);
    }
    if (end == std::string_view::npos) break;
    raw.remove_prefix(end + 1);
  }
  return true;
}

bool ChunkDecoder::fail(int status, std::string_view code, std::string_view message) {
  failure_ = {status, code, message};
  return false;
}

ParseState ChunkDecoder::decode(std::string_view bytes, std::size_t body_limit,
                                std::size_t trailer_limit, std::string& body,
                                std::size_t& consumed) {
  consumed = 0;
  for (;;) {
    std::string_view content;
    std::size_t taken = 0;
    const ParseState state =
        next(bytes.substr(consumed), body_limit, trailer_limit, content, taken);
    body += content;
    consumed += taken;
    if (state != ParseState::NeedMore || taken == 0) return state;
  }
}

ParseState ChunkDecoder::next(std::string_view bytes, std::size_t body_limit,
                              std::size_t trailer_limit, std::string_view& content,
                              std::size_t& consumed) {
  content = {};
  consumed = 0;
  while (consumed < bytes.size() && at_ != At::End) {
    if (at_ == At::Content) {
      const std::size_t part =
          static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - consumed));
      content = bytes.substr(consumed, part);
      consumed += part;
      left_ -= part;
      total_ += part;
      if (left_ == 0) at_ = At::ContentReturn;
      return ParseState::NeedMore;
    }
    if (!step(bytes[consumed], body_limit, trailer_limit)) return ParseState::Failed;
    ++consumed;
  }
  return at_ == At::End ? ParseState::Done : ParseState::NeedMore;
}

bool ChunkDecoder::step(char c, std::size_t body_limit, std::size_t trailer_limit) {
  const auto expect = [&](char wanted, At next) {
    if (c != wanted) return fail(400, "bad_chunk", "a chunk is not framed by CR and LF");
    at_ = next;
    return true;
  };
  switch (at_) {
    case At::SizeStart:
      left_ = 0;
      digits_ = 0;
      extra_ = 0;
      at_ = At::Size;
      [[fallthrough]];
    case At::Size: {
      const int digit = hex_digit(c);
      if (digit >= 0) {
        if (++digits_ > 15) return fail(400, "bad_chunk", "a chunk's size has too many digits");
        left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
        return true;
      }
      if (digits_ == 0) return fail(400, "bad_chunk", "a chunk does not begin with its size");
      if (left_ > body_limit || total_ > body_limit - left_)
        return fail(413, "body_too_large", "the body exceeds the limit");
      if (c == '\r')
        at_ = At::SizeLineFeed;
      else if (c == ';' || c == ' ' || c == '\t')
        at_ = At::Extension;
      else
        return fail(400, "bad_chunk", "a chunk's size is no hexadecimal number");
      return true;
    }
    case At::Extension:
      if (c == '\r') {
        at_ = At::SizeLineFeed;
        return true;
      }
      if (c == '\n' || ++extra_ > 256)
        return fail(400, "bad_chunk", "a chunk's extension is malformed or too long");
      return true;
    case At::SizeLineFeed:
      extra_ = 0;
      return expect('\n', left_ == 0 ? At::TrailerStart : At::Content);
    case At::ContentReturn: return expect('\r', At::ContentLineFeed);
    case At::ContentLineFeed: return expect('\n', At::SizeStart);
    case At::TrailerStart:
      if (c == '\r') {
        at_ = At::LastLineFeed;
        return true;
      }
      at_ = At::Trailer;
      [[fallthrough]];
    case At::Trailer:
      if (++extra_ > trailer_limit)
        return fail(431, "headers_too_large", "the trailers exceed the limit");
      if (c == '\r')
        at_ = At::TrailerLineFeed;
      else if (c == '\n' || c == '\0')
        return fail(400, "bad_line_end", "a trailer does not end with CR and LF");
      return true;
    case At::TrailerLineFeed: return expect('\n', At::TrailerStart);
    case At::LastLineFeed: return expect('\n', At::End);
    case At::Content:
    case At::End: break;
  }
  return true;
}

}  // namespace martlet::net
