// net/internal/request_parser.h: HTTP/1.x requests from bytes, strictly (RFC 9112). Pure; one
// object per connection.
//
// Ours and not the distribution's http_parser, because that library is built in its lenient mode
// there: it takes any two bytes for the CRLF behind a chunk, and a space before a header's colon,
// both of which let requests be smuggled past a proxy. Refused though RFC 9112 would let us pass
// them: bare LF, obsolete folding, repeated Content-Length even if equal, more than one
// Transfer-Encoding, bytes above 0x7E in the target.
#pragma once
#include "net/http_message.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace martlet::net {

struct ParseFailure {
  int status = 400;
  std::string_view code;     // static
  std::string_view message;  // static
};

enum class ParseState : std::uint8_t { NeedMore, Done, Failed };

// What the head says about the message besides the Request itself.
struct RequestFraming {
  std::size_t head_bytes = 0;  // with the empty line at its end
  std::uint64_t content_length = 0;
  bool chunked = false;
  bool keep_alive = true;
  bool http_1_0 = false;
  bool expects_continue = false;
};

class HeadParser {
 public:
  // `bytes` starts where the message starts and may have grown (or moved) since the last call for
  // the same message. When Done, the views of `request` point into `bytes` and into this parser's
  // scratch, and live until the next call.
  ParseState parse(std::string_view bytes, const HttpLimits& limits, Request& request,
                   RequestFraming& framing);
  const ParseFailure& failure() const { return failure_; }
  // Before the next message.
  void reset();

 private:
  bool fail(int status, std::string_view code, std::string_view message);
  bool read_request_line(std::string_view line, Request& request, RequestFraming& framing);
  bool read_header(std::string_view line, Request& request);
  bool read_target(Request& request);
  bool decode_path(std::string_view raw, Request& request);
  bool decode_query(std::string_view raw, Request& request);
  bool frame(const Request& request, RequestFraming& framing);

  std::size_t start_ = 0;       // of the request line, behind empty lines
  std::size_t line_start_ = 0;  // of the line that is being searched for its end
  std::size_t scanned_ = 0;
  std::size_t lines_ = 0;
  std::string scratch_;  // decoded path and query
  ParseFailure failure_;
};

// Takes the chunked coding off a body (RFC 9112 §7.1). Trailers are checked for size and dropped.
class ChunkDecoder {
 public:
  // Appends what it decodes to `body`. `consumed` is how much of `bytes` it took: all of it unless
  // Done or Failed.
  ParseState decode(std::string_view bytes, std::size_t body_limit, std::size_t trailer_limit,
                    std::string& body, std::size_t& consumed);
  // As far as one piece of content, which is handed out where it lies in `bytes` ("" when only
  // framing was left). Again with the rest until it has consumed nothing, is Done or Failed.
  ParseState next(std::string_view bytes, std::size_t body_limit, std::size_t trailer_limit,
                  std::string_view& content, std::size_t& consumed);
  const ParseFailure& failure() const { return failure_; }
  void reset() { *this = ChunkDecoder(); }

 private:
  enum class At : std::uint8_t {
    SizeStart,
    Size,
    Extension,
    SizeLineFeed,
    Content,
    ContentReturn,
    ContentLineFeed,
    TrailerStart,
    Trailer,
    TrailerLineFeed,
    LastLineFeed,
    End
  };
  bool step(char c, std::size_t body_limit, std::size_t trailer_limit);
  bool fail(int status, std::string_view code, std::string_view message);

  At at_ = At::SizeStart;
  std::uint64_t left_ = 0;   // of the chunk
  std::uint64_t total_ = 0;  // decoded
  int digits_ = 0;
  std::size_t extra_ = 0;  // bytes of extensions of this chunk, or of all trailers
  ParseFailure failure_;
};

// Letters, digits and the marks of RFC 9110 §5.6.2; not empty.
bool is_token(std::string_view text);
// Free of control characters except tab.
bool is_field_value(std::string_view text);

}  // namespace martlet::net
