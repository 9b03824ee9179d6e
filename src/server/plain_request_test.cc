#include "base/random.h"
#include "server/internal/plain_request.h"

#include <gtest/gtest.h>

#include <bit>
#include <string>

namespace martlet::server {
namespace {

using columns::Cell;
using columns::Type;

const RequestShape& shape() {
  static const RequestShape kShape{
      {{"distance", Type::Double, true},
       {"carrier", Type::Text, true},
       {"seats", Type::Int64, false},
       {"late_before", Type::Bool, false},
       {"departs", Type::Timestamp, false},
       {"day", Type::Date, false}},
      columns::Schema({{"flight", Type::Text}, {"carrier", Type::Text}}),
      *Zone::find("America/New_York")};
  return kShape;
}

bool same(const Cell& a, const Cell& b) {
  if (a.type == Type::Double && !a.missing && !b.missing)  // also the sign of zero
    return b.type == Type::Double &&
           std::bit_cast<std::uint64_t>(a.number) == std::bit_cast<std::uint64_t>(b.number);
  return a.same_as(b);
}

// Where the plain reader reads a body, the judge must have read the same.
bool agrees(const std::optional<PlainRow>& plain, const Result<InferenceRequest>& judged,
            const std::string& body) {
  if (!plain.has_value()) return true;
  if (!judged.has_value() || judged->rows.rows() != 1) return false;
  if (judged->id != plain->id || !judged->outputs.empty()) return false;
  for (std::size_t i = 0; i < plain->inputs.size(); ++i) {
    if (!same(plain->inputs[i], judged->rows.column(i).cell(0))) return false;
  }
  for (std::size_t i = 0; i < plain->keys.size(); ++i) {
    if (!same(plain->keys[i], judged->keys.column(i).cell(0))) return false;
  }
  return plain->inputs.size() == judged->rows.width() && !body.empty();
}

const PlainRequestReader& reader() {
  static const PlainRequestReader kReader(shape());
  return kReader;
}

struct Bodies {
  bool v2;
  const char* body;
};

const Bodies kPlain[] = {
    {true,
     R"({"inputs":[{"name":"distance","shape":[1],"datatype":"FP64","data":[1.5]},
         {"name":"carrier","datatype":"BYTES","shape":[1,1],"data":[["ÅA"]]}]})"},
    {true,
     R"({"id":"r-1","inputs":[{"name":"flight","shape":[1],"datatype":"BYTES","data":["x"]},
         {"name":"carrier","shape":[1],"datatype":"BYTES","data":["A"]},
         {"name":"departs","shape":[1],"datatype":"BYTES","data":["2013-07-01 12:00"]},
         {"name":"day","shape":[1],"datatype":"BYTES","data":["2013-07-01"]},
         {"name":"seats","shape":[1],"datatype":"INT64","data":[-12]},
         {"name":"late_before","shape":[1],"datatype":"BOOL","data":[true]},
         {"name":"distance","shape":[1],"datatype":"FP64","data":[null]}]} )"},
    {false, R"({"dataframe_split":{"columns":["distance","carrier"],"data":[[-0,"A"]]}})"},
    {false,
     R"({"dataframe_split":{"index":[0],"columns":["carrier","distance"],"data":[["",1e-3]]}})"},
    {false, R"({"dataframe_records":[{"carrier":"A","distance":12345678901234567,"seats":0}]})"},
    {false, R"({"instances":[{"carrier":"A","distance":0.1,"late_before":false}]})"},
    {false, R"({"inputs":[{"carrier":"A","distance":-0.0,"seats":null}]})"},
};

TEST(PlainRequest, what_clients_write_is_read_as_the_judge_reads_it) {
  for (const Bodies& c : kPlain) {
    const std::string body = c.body;
    const auto plain = c.v2 ? reader().read_v2(body) : reader().read_mlflow(body);
    ASSERT_TRUE(plain.has_value()) << body;
    EXPECT_TRUE(agrees(
        plain, c.v2 ? decode_v2(body, shape()) : decode_mlflow(body, "application/json", shape()),
        body))
        << body;
  }
}

TEST(PlainRequest, what_is_not_plain_is_left_to_the_judge) {
  const char* const kTensors[] = {
      R"({"inputs":[]})",
      R"({"inputs":[{"shape":[1],"datatype":"FP64","data":[1],"name":"distance"}]})",
      R"({"inputs":[{"name":"distance","shape":[2],"datatype":"FP64","data":[1]}]})",
      R"({"inputs":[{"name":"distance","shape":[1],"datatype":"FP9","data":[1]}]})",
  };
  for (const char* const body : kTensors) EXPECT_FALSE(reader().read_v2(body).has_value()) << body;
  const char* const kRecords[] = {
      "",
      "{}",
      "[]",
      R"({"instances":[]})",
      R"({"instances":[{}]})",
      R"({"instances":[{"carrier":"A","distance":1},{"carrier":"A","distance":1}]})",
      R"({"instances":[{"carrier":"A"}]})",
      R"({"instances":[{"carrier":"A","distance":1,"distance":1}]})",
      R"({"instances":[{"carrier":"A","distance":1,"more":1}]})",
      R"({"instances":[{"carrier":"A","distance":"1"}]})",
      R"({"instances":[{"carrier":"A","distance":01}]})",
      R"({"instances":[{"carrier":"A","distance":1.}]})",
      R"({"instances":[{"carrier":"A","distance":.5}]})",
      R"({"instances":[{"carrier":"A","distance":+1}]})",
      R"({"instances":[{"carrier":"A","distance":1e}]})",
      R"({"instances":[{"carrier":"A","distance":1e999}]})",
      R"({"instances":[{"carrier":"A","distance":1e-999}]})",
      R"({"instances":[{"carrier":"A","distance":NaN}]})",
      R"({"instances":[{"carrier":"A","distance":99999999999999999999}]})",
      R"({"instances":[{"carrier":"\u0041","distance":1}]})",
      "{\"instances\":[{\"carrier\":\"\xff\",\"distance\":1}]}",
      "{\"instances\":[{\"carrier\":\"a\nb\",\"distance\":1}]}",
      R"({"instances":[{"carrier":"A","distance":1,"seats":1.5}]})",
      R"({"instances":[{"carrier":"A","distance":1,"day":"yesterday"}]})",
      R"({"instances":[{"carrier":"A","distance":1}]} x)",
      R"({"instances":[{"carrier":"A","distance":1}],"params":{}})",
      R"({"dataframe_split":{"data":[["A",1]],"columns":["carrier","distance"]}})",
      R"({"dataframe_split":{"columns":["carrier","distance"],"data":[["A"]]}})",
      R"({"dataframe_split":{"columns":["carrier","distance"],"data":[["A",1,2]]}})",
      R"({"dataframe_split":{"columns":["carrier","distance"],"data":[]}})",
  };
  for (const char* const body : kRecords)
    EXPECT_FALSE(reader().read_mlflow(body).has_value()) << body;
}

// Any change of a good body by some bytes: read alike, or left to the judge.
TEST(PlainRequest, whatever_it_reads_the_judge_reads_the_same) {
  SeededRandom random(11);
  const std::string letters = "{}[]\",:.0123456789eE+-\\ntfu \t\xc3\x85";
  std::size_t read = 0;
  for (int turn = 0; turn < 10'000; ++turn) {
    const Bodies& c = kPlain[random.below(std::size(kPlain))];
    std::string body = c.body;
    const std::uint64_t changes = random.below(4);
    for (std::uint64_t change = 0; change < changes && !body.empty(); ++change) {
      const std::size_t at = random.below(body.size());
      switch (random.below(4)) {
        case 0: body[at] = letters[random.below(letters.size())]; break;
        case 1: body.erase(at, 1 + random.below(3)); break;
        case 2: body.insert(at, 1, letters[random.below(letters.size())]); break;
        default: body.insert(at, body.substr(at, 1 + random.below(40)));
      }
    }
    const auto plain = c.v2 ? reader().read_v2(body) : reader().read_mlflow(body);
    read += plain.has_value() ? 1 : 0;
    ASSERT_TRUE(agrees(
        plain, c.v2 ? decode_v2(body, shape()) : decode_mlflow(body, "application/json", shape()),
        body))
        << "turn " << turn << ": " << body;
  }
  EXPECT_GT(read, 2'500u);
}

// Digits are read to the same bits, whatever their number.
TEST(PlainRequest, numbers_have_the_bits_that_the_judge_gives_them) {
  SeededRandom random(12);
  for (int turn = 0; turn < 5'000; ++turn) {
    std::string digits = random.below(2) == 0 ? "-" : "";
    digits += std::to_string(random.below(random.below(2) == 0 ? 10 : 1'000'000'000));
    if (random.below(3) != 0) {
      digits += '.';
      for (std::uint64_t i = 0; i <= random.below(25); ++i)
        digits += static_cast<char>('0' + random.below(10));
    }
    if (random.below(3) == 0)
      digits += "e" + std::to_string(static_cast<int>(random.below(640)) - 330);
    const std::string body = R"({"instances":[{"carrier":"A","distance":)" + digits + "}]}";
    ASSERT_TRUE(
        agrees(reader().read_mlflow(body), decode_mlflow(body, "application/json", shape()), body))
        << body;
  }
}

}  // namespace
}  // namespace martlet::server
