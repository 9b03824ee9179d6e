// artifacts/testing/fake_s3.h: an S3 server on a loopback port that misbehaves as it is told, for
// what a real one can't be made to do. It checks the digest of every body, not the signature: real
// servers do (conformance_test.cc). One thread answers one request after the other.
#pragma once
#include "artifacts/s3_blob_store.h"
#include "base/clock.h"

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace martlet::artifacts {

struct FakeS3Request {
  std::string method;
  std::string key;  // without the bucket
  std::map<std::string, std::string> query;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  bool has(const std::string& name) const { return query.contains(name); }
};

struct FakeS3Response {
  int status = 200;
  NamesAndValues headers;
  std::string body;
  // Bytes of the body that are sent before the connection is closed.
  std::size_t cut_after = std::string::npos;
  bool drop = false;  // closed without an answer
  std::chrono::milliseconds stall{0};
};

class FakeS3 {
 public:
  explicit FakeS3(const Clock& clock);
  ~FakeS3();
  FakeS3(const FakeS3&) = delete;
  FakeS3& operator=(const FakeS3&) = delete;

  S3Location location() const;
  static std::string error_xml(const std::string& code);

  // Called before a request is carried out; an answer is sent instead.
  using Fault = std::function<std::optional<FakeS3Response>(const FakeS3Request&)>;
  void set_fault(Fault fault);
  // Called with what would be answered after it was carried out.
  using Change = std::function<void(const FakeS3Request&, FakeS3Response&)>;
  void set_change(Change change);

  std::atomic<std::size_t> page{1'000};
  std::atomic<bool> copy_onto_itself_moves_time{true};
  std::atomic<std::int64_t> clock_ahead_seconds{0};

  std::map<std::string, std::string> objects() const;
  void damage(const std::string& key, std::string bytes);
  std::size_t open_uploads() const;
  // "PUT key" and so on, in order.
  std::vector<std::string> requests() const;

 private:
  struct Object {
    std::string bytes;
    Timestamp modified;
    int generation = 0;
  };
  struct Upload {
    std::string key;
    std::map<int, std::string> parts;
  };
  void serve();
  void answer(int connection);
  FakeS3Response carry_out(const FakeS3Request& request);
  FakeS3Response get(const FakeS3Request& request);
  FakeS3Response put(const FakeS3Request& request);
  FakeS3Response post(const FakeS3Request& request);
  FakeS3Response list(const FakeS3Request& request) const;
  FakeS3Response copy(const FakeS3Request& request);
  std::string store(const std::string& key, std::string bytes);
  static std::string tag_of(const Object& object);
  Timestamp now() const;

  const Clock& clock_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;  // guards all below
  Fault fault_;
  Change change_;
  std::map<std::string, Object> objects_;
  std::map<std::string, Upload> uploads_;
  std::vector<std::string> requests_;
  int generation_ = 0;
  std::thread thread_;
};

}  // namespace martlet::artifacts
