// Any bytes as a segment of the prediction log, bare and behind a sound head: entries, a torn end
// that is counted, or Corrupt.
#include "base/digest.h"
#include "base/fake_file_system.h"
#include "monitoring/prediction_log.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace {

using namespace martlet;

void read(std::string_view bytes) {
  FakeFileSystem files;
  MARTLET_CHECK(files.create_directories("/log").has_value(), "a folder");
  const auto file = files.create_new("/log/2024-02-29-fuzz.log");
  MARTLET_CHECK(file.has_value() && (*file)->append(bytes).has_value(), "a segment");
  std::int64_t seen = 0;
  constexpr Timestamp kBegin{1'709'164'800'000'000};
  const auto each = [&](const columns::Schema& schema, monitoring::Prediction prediction) {
    MARTLET_CHECK(prediction.row.size() == schema.size(), "a row has the schema's cells");
    ++seen;
    return Result<void>();
  };
  const auto counts =
      monitoring::read_predictions(files, "/log", kBegin, kBegin + Duration(kMicrosPerDay), each);
  if (!counts.has_value()) {
    MARTLET_CHECK(counts.error().code() == ErrorCode::Corrupt, "a refusal is Corrupt");
    return;
  }
  MARTLET_CHECK(counts->entries == seen, "entries are counted");
  MARTLET_CHECK(counts->torn_bytes >= 0 &&
                    counts->torn_bytes <= static_cast<std::int64_t>(bytes.size()),
                "torn bytes are counted");
}

// So that the fuzzer need not find checksums: its bytes as the payloads of frames, each as long as
// its first byte says.
std::string framed(std::string_view rest) {
  std::string segment = "martlet-predictions-1\n";
  const auto put_frame = [&](std::string_view payload) {
    const auto length = static_cast<std::uint32_t>(payload.size());
    const std::uint64_t checksum = checksum64(payload);
    char head[12];
    std::memcpy(head, &length, 4);
    std::memcpy(head + 4, &checksum, 8);
    segment.append(head, sizeof head).append(payload);
  };
  put_frame(
      R"([{"name":"a","type":"integer"},{"name":"b","type":"text"},{"name":"c","type":"number"}])");
  while (!rest.empty()) {
    const std::size_t length =
        std::min<std::size_t>(static_cast<unsigned char>(rest.front()), rest.size() - 1);
    put_frame(rest.substr(1, length));
    rest.remove_prefix(1 + length);
  }
  return segment;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  read(text);
  read(framed(text));
  return 0;
}
