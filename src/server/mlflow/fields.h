// server/mlflow/fields.h: what a request says, read by MLflow's rules.
//
// A Message owns one request's document: the JSON of its body, or the parameters of its query where
// there is no body. Fields is a view of one object in it, good while the Message lives. Reading
// never fails at once: what is missing or of a wrong type is noted, and check() says all of it. One
// thread at a time.
//
// The rules (protobuf's JSON, as MLflow's server takes it): unknown fields are ignored, null is
// absent, lowerCamelCase names are understood, 64-bit integers may be texts, NaN and the infinities
// are the texts "NaN", "Infinity", "-Infinity" or Python's bare words, a text that holds JSON is
// decoded again. Source: MLflow's REST API and protobuf's JSON mapping.
#pragma once
#include "base/result.h"
#include "net/http_message.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace martlet::server::mlflow {

// A value of the document; objects and arrays are lists of nodes.
struct Node {
  enum class Kind : std::uint8_t { Null, Boolean, Integer, Number, Text, Array, Object };
  Kind kind = Kind::Null;
  bool boolean = false;
  std::int64_t integer = 0;
  double number = 0;
  std::string text;
  std::string key;  // within an object
  Node* first = nullptr;
  Node* last = nullptr;
  Node* next = nullptr;
};

class Message;

class Fields {
 public:
  // Absent, null or (noted) of a wrong type: nullopt.
  std::optional<std::string> text(std::string_view name) const;
  std::optional<std::int64_t> integer(std::string_view name) const;
  std::optional<double> number(std::string_view name) const;  // may be NaN or infinite
  std::optional<bool> boolean(std::string_view name) const;
  // Noted when absent, and empty then.
  std::string required_text(std::string_view name) const;  // may be ""
  std::string required_name(std::string_view name) const;  // may not
  std::int64_t required_integer(std::string_view name) const;
  double required_number(std::string_view name) const;
  // The first of `names` that is there, as `run_id` and its old name `run_uuid`.
  std::string required_name(std::string_view name, std::string_view old_name) const;
  // Absent: empty. In a query a name may stand several times.
  std::vector<std::string> texts(std::string_view name) const;
  std::vector<Fields> objects(std::string_view name) const;
  std::optional<Fields> object(std::string_view name) const;
  std::vector<std::string> names() const;  // of what is there, in order
  bool has(std::string_view name) const { return find(name) != nullptr; }
  // [{key, value}] as pairs, in order; the key is required, an absent value is "".
  std::vector<std::pair<std::string, std::string>> pairs(std::string_view name) const;

  // An enumeration by name or number, as its number; noted when it is neither.
  std::optional<std::int64_t>
  enum_number(std::string_view name,
              std::initializer_list<std::pair<std::string_view, std::int64_t>> known) const;

  // Where this object stands: "metrics[3].key" for a name in it.
  std::string path_of(std::string_view name) const;
  void missing(std::string_view name) const;  // notes it
  // Notes a problem with the value of `name`.
  void refuse(std::string_view name, std::string_view why) const;

 private:
  friend class Message;
  Fields(Message& message, const Node* object, std::string path,
         std::optional<std::size_t> index = std::nullopt)
      : message_(&message), object_(object), path_(std::move(path)), index_(index) {}
  const Node* find(std::string_view name) const;
  void wrong(std::string_view name, const Node& value, std::string_view expected) const;

  Message* message_;
  const Node* object_;  // null: nothing was said
  std::string path_;    // "metrics", and which of them
  std::optional<std::size_t> index_;
};

class Message {
 public:
  // InvalidArgument for malformed JSON, for what isn't an object, and for a body that doesn't say
  // it is JSON.
  static Result<std::unique_ptr<Message>> read(const net::Request& request);
  // Of a text alone; "" is an empty object.
  static Result<std::unique_ptr<Message>> parse(std::string_view json);

  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;
  ~Message();

  Fields fields() { return {*this, root_, ""}; }
  // InvalidArgument with everything that was noted since.
  Result<void> check() const;

 private:
  friend class Fields;
  class Builder;
  Message();
  Node* add(Node node);
  bool parse_quickly(std::string_view json);
  Result<void> parse_into_root(std::string_view json);
  void take_query(std::span<const net::Parameter> query);

  std::deque<std::vector<Node>> nodes_;  // in blocks that never grow: nodes stay where they are
  Node* root_ = nullptr;
  bool from_query_ = false;
  std::vector<std::string> problems_;
};

// Python's json writes NaN, Infinity and -Infinity bare: the same text with those in quotes.
std::string quote_bare_numbers(std::string_view json);

}  // namespace martlet::server::mlflow
