#include "deployment/inference_service.h"
#include "server/inference_answer.h"
#include "server/inference_protocol.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

namespace martlet::server {
namespace {

using columns::Type;

const RequestShape& shape() {
  static const RequestShape kShape{
      {{"distance", Type::Double, true},
       {"carrier", Type::Text, true},
       {"seats", Type::Int64, false},
       {"late_before", Type::Bool, false},
       {"departs", Type::Timestamp, false}},
      columns::Schema({{"flight", Type::Text}, {"carrier", Type::Text}}),
      *Zone::find("America/New_York")};
  return kShape;
}

// "path: rule" of each finding.
std::vector<std::string> findings_of(const Result<InferenceRequest>& request) {
  if (request.has_value()) return {"none"};
  EXPECT_EQ(request.error().code(), ErrorCode::InvalidArgument);
  std::vector<std::string> found;
  for (const Finding& finding : request.error().findings())
    found.push_back(finding.path + ": " + finding.rule);
  std::sort(found.begin(), found.end());
  return found.empty() ? std::vector<std::string>{request.error().message()} : found;
}

Result<InferenceRequest> v2(const std::string& body) { return decode_v2(body, shape()); }
Result<InferenceRequest> mlflow(const std::string& body,
                                std::string_view type = "application/json") {
  return decode_mlflow(body, type, shape());
}

std::string tensor(const std::string& name, const std::string& extents, const std::string& values,
                   const std::string& datatype = "BYTES") {
  return R"({"name":")" + name + R"(","shape":)" + extents + R"(,"datatype":")" + datatype +
         R"(","data":)" + values + "}";
}
std::string with_tensors(const std::vector<std::string>& tensors) {
  std::string body = R"({"inputs":[)";
  for (std::size_t i = 0; i < tensors.size(); ++i) body += (i == 0 ? "" : ",") + tensors[i];
  return body + "]}";
}
const std::string kDistance = tensor("distance", "[2]", "[1.5,null]", "FP64");
const std::string kCarrier = tensor("carrier", "[2,1]", R"([["AA"],["🛫"]])");

TEST(DecodeV2, tensors_become_typed_columns_in_the_models_order) {
  const auto request = v2(R"({"id":"r-1","inputs":[)" + kCarrier + "," + kDistance + "," +
                          tensor("seats", "[2]", "[3,4.0]", "FP32") + "," +
                          tensor("late_before", "[2]", "[true,false]", "BOOL") + "," +
                          tensor("departs", "[2]", R"(["2013-07-01 12:00","2013-07-01T12:00Z"])") +
                          "," + tensor("flight", "[2]", R"(["x","y"])") + "]}");
  ASSERT_TRUE(request.has_value()) << request.error().message();
  EXPECT_EQ(request->id, "r-1");
  ASSERT_EQ(request->rows.width(), 5u);
  EXPECT_EQ(request->rows.column(0).doubles()[0], 1.5);
  EXPECT_TRUE(request->rows.column(0).is_missing(1));
  EXPECT_EQ(request->rows.column(1).text(1), "🛫");
  EXPECT_EQ(request->rows.column(2).int64s()[1], 4);
  EXPECT_EQ(request->rows.column(3).bools()[0], 1);
  // A bare time is read in the project's zone: four hours behind UTC in July.
  EXPECT_EQ(request->rows.column(4).int64s()[0] - request->rows.column(4).int64s()[1],
            4 * 3'600'000'000);
  EXPECT_EQ(request->keys.column(0).text(1), "y");
  EXPECT_EQ(request->keys.column(1).text(0), "AA");
}

TEST(DecodeV2, optional_columns_and_keys_may_be_left_out) {
  const auto request = v2(with_tensors({kDistance, kCarrier}));
  ASSERT_TRUE(request.has_value()) << request.error().message();
  EXPECT_EQ(request->rows.column(2).missing_count(), 2u);
  EXPECT_EQ(request->keys.column(0).missing_count(), 2u);
  EXPECT_TRUE(request->outputs.empty());
}

TEST(DecodeV2, all_problems_of_columns_are_reported_at_once) {
  const auto request = v2(with_tensors(
      {tensor("distance", "[2]", R"(["far",1])"), tensor("carier", "[2]", R"(["a","b"])"),
       tensor("seats", "[2]", "[1.5,9e18]", "INT64"), tensor("seats", "[2]", "[1,2]", "INT64")}));
  EXPECT_EQ(
      findings_of(request),
      (std::vector<std::string>{"carier: unknown_column", "carrier: missing",
                                "distance: wrong_type", "seats: duplicate", "seats: wrong_type"}));
  EXPECT_NE(request.error().message().find("did you mean \"carrier\""), std::string::npos);
}

TEST(DecodeV2, shapes_that_say_something_else_than_the_values_are_refused) {
  for (const char* extents :
       {"[3]", "[1]", "[]", "[2,2]", "[-2]", "[2.0]", "[18446744073709551615]",
        "[9223372036854775808,1]", "[4294967298]", "[1,2]", "[2,1,1]", "2", "\"2\"", "null"}) {
    const auto request = v2(with_tensors({tensor("distance", extents, "[1,2]", "FP64"), kCarrier}));
    EXPECT_EQ(findings_of(request),
              (std::vector<std::string>{"distance: missing", "distance: shape"}))
        << extents;
  }
  EXPECT_EQ(findings_of(v2(with_tensors({kDistance, tensor("carrier", "[1]", R"(["a"])")}))),
            (std::vector<std::string>{"carrier: shape"}));
}

TEST(DecodeV2, malformed_bodies_say_what_is_wrong) {
  const std::pair<const char*, const char*> kBodies[] = {
      {"", "reading the request"},
      {"[]", "must be a JSON object"},
      {"{", "reading the request"},
      {"{}", "must be a list of tensors"},
      {R"({"inputs":{}})", "must be a list of tensors"},
      {R"({"inputs":[]})", "has no rows"},
      {R"({"inputs":[3]})", "a tensor is an object"},
      {R"({"inputs":[{"name":7}]})", "a tensor is an object"},
      {R"({"inputs":[{"name":"distance","datatype":"FP64","shape":[1]}]})", "shape [rows]"},
      {R"({"inputs":[{"name":"distance","datatype":"F","shape":[1],"data":[1]}]})",
       "has a datatype"},
      {R"({"inputs":[],"inputs":[]})", "stands twice"},
      {R"({"inputs":[{"name":"distance","datatype":"FP64","shape":[1],"data":[NaN]}]})", "at byte"},
      {R"({"inputs":[{"name":"distance","datatype":"FP64","shape":[1],"data":[Infinity]}]})",
       "at byte"},
      {R"({"inputs":[{"name":"distance","datatype":"FP64","shape":[1],"data":[1e999]}]})",
       "reading the request"},
      {"{\"inputs\":[{\"name\":\"dist\xff\"}]}", "reading the request"},
      {R"({"inputs":[],"id":5})", "id of a request is a text"},
      {R"({"inputs":[],"outputs":3})", "outputs is a list"},
      {R"({"inputs":[],"outputs":[{"name":"proba"}]})", "the outputs are"},
  };
  for (const auto& [body, part] : kBodies) {
    const auto request = v2(body);
    ASSERT_FALSE(request.has_value()) << body;
    EXPECT_EQ(request.error().code(), ErrorCode::InvalidArgument) << body;
    EXPECT_NE(request.error().message().find(part), std::string::npos) << body << "\n"
                                                                       << request.error().message();
  }
}

TEST(DecodeV2, deep_nesting_and_crowded_objects_are_refused_before_they_are_read) {
  EXPECT_NE(findings_of(v2(std::string(1'000'000, '['))).at(0).find("nested deeper"),
            std::string::npos);
  std::string crowded = "{";
  for (int i = 0; i < 100'000; ++i) crowded += "\"k" + std::to_string(i) + "\":1,";
  EXPECT_NE(findings_of(v2(crowded + "\"inputs\":[]}")).at(0).find("members"), std::string::npos);
  // Colons and braces within texts don't count, escaped quotes don't end them.
  const auto texts =
      v2(with_tensors({tensor("distance", "[1]", "[1]", "FP64"),
                       tensor("carrier", "[1]", "[\"" + std::string(5000, ':') + "\\\"{{[\"]")}));
  ASSERT_TRUE(texts.has_value()) << texts.error().message();
}

TEST(DecodeV2, ten_thousand_rows_are_read_and_one_more_is_refused) {
  const auto rows = [](std::size_t count) {
    std::string numbers = "[0", texts = "[\"a\"";
    for (std::size_t i = 1; i < count; ++i) {
      numbers += "," + std::to_string(i);
      texts += ",\"b\"";
    }
    const std::string extents = "[" + std::to_string(count) + "]";
    return with_tensors({tensor("distance", extents, numbers + "]", "FP64"),
                         tensor("carrier", extents, texts + "]")});
  };
  const auto most = v2(rows(10'000));
  ASSERT_TRUE(most.has_value()) << most.error().message();
  EXPECT_EQ(most->rows.rows(), 10'000u);
  EXPECT_EQ(findings_of(v2(rows(10'001))), (std::vector<std::string>{": too_many_rows"}));
}

TEST(DecodeV2, findings_are_bounded_however_many_columns_are_unknown) {
  std::vector<std::string> tensors;
  for (int i = 0; i < 5000; ++i)
    tensors.push_back(tensor("unknown" + std::to_string(i), "[1]", "[1]", "FP64"));
  const auto request = v2(with_tensors(tensors));
  ASSERT_FALSE(request.has_value());
  EXPECT_EQ(request.error().findings().size(), 201u);
  EXPECT_LT(request.error().message().size(), 100'000u);
  const auto long_name =
      v2(with_tensors({tensor(std::string(1'000'000, 'n'), "[1]", "[1]", "FP64")}));
  EXPECT_LT(long_name.error().message().size(), 2'000u);
}

TEST(DecodeMlflow, every_form_gives_the_same_rows) {
  const char* kBodies[] = {
      R"({"dataframe_split":{"index":[0,1],"columns":["distance","carrier","flight"],"data":[[1.5,"AA","x"],[null,"🛫","y"]]}})",
      R"({"dataframe_records":[{"distance":1.5,"carrier":"AA","flight":"x"},{"carrier":"🛫","distance":null,"flight":"y"}]})",
      R"({"instances":[{"distance":1.5,"carrier":"AA","flight":"x"},{"carrier":"🛫","distance":null,"flight":"y"}]})",
      R"({"inputs":{"distance":[1.5,null],"carrier":["AA","🛫"],"flight":[["x"],["y"]]},"params":null})",
      R"({"instances":{"distance":[1.5,null],"carrier":["AA","🛫"],"flight":["x","y"]},"params":{}})",
  };
  const auto expected = mlflow(kBodies[0]);
  ASSERT_TRUE(expected.has_value()) << expected.error().message();
  EXPECT_EQ(expected->rows.column(1).text(1), "🛫");
  for (const char* body : kBodies) {
    const auto request = mlflow(body);
    ASSERT_TRUE(request.has_value()) << body << request.error().message();
    EXPECT_TRUE(request->rows.equals(expected->rows)) << body;
    EXPECT_TRUE(request->keys.equals(expected->keys)) << body;
  }
  const auto csv = mlflow("\xEF\xBB\xBF"
                          "flight,distance,carrier\r\nx,1.5,AA\n\ny,,\"🛫\"\n",
                          "Text/CSV; charset=utf-8");
  ASSERT_TRUE(csv.has_value()) << csv.error().message();
  EXPECT_TRUE(csv->rows.equals(expected->rows));
  EXPECT_TRUE(csv->keys.equals(expected->keys));
}

TEST(DecodeMlflow, all_problems_of_columns_are_reported_at_once) {
  EXPECT_EQ(
      findings_of(mlflow(
          R"({"dataframe_records":[{"distance":"far","x":1,"seats":true},{"distance":1,"x":2}]})")),
      (std::vector<std::string>{"carrier: missing", "distance: wrong_type", "seats: wrong_type",
                                "x: unknown_column"}));
  EXPECT_EQ(findings_of(
                mlflow(R"({"dataframe_records":[{"distance":1,"carrier":"a"},{"carrier":"b"}]})")),
            (std::vector<std::string>{"distance: missing"}));
  EXPECT_EQ(
      findings_of(mlflow(
          R"({"dataframe_split":{"columns":["distance","distance","y"],"data":[["a",1,2]]}})")),
      (std::vector<std::string>{"carrier: missing", "distance: duplicate", "distance: wrong_type",
                                "y: unknown_column"}));
  EXPECT_EQ(findings_of(mlflow(R"({"inputs":{"distance":[1,2],"carrier":["a"]}})")),
            (std::vector<std::string>{"carrier: shape"}));
}

TEST(DecodeMlflow, malformed_bodies_say_what_is_wrong) {
  const std::pair<const char*, const char*> kBodies[] = {
      {"", "reading the request"},
      {"{}", "give one of"},
      {R"({"rows":[]})", "\"rows\" is not expected"},
      {R"({"inputs":[],"instances":[]})", "\"instances\" is not expected"},
      {R"({"inputs":[],"params":{"t":1}})", "\"params\" is not expected"},
      {R"({"inputs":5})", "a list of rows or an object"},
      {R"({"dataframe_split":[]})", "an object with columns and data"},
      {R"({"dataframe_records":{}})", "must be a list of rows"},
      {R"({"dataframe_split":{"columns":["distance"]}})", "columns\" and \"data"},
      {R"({"dataframe_split":{"columns":[1],"data":[]}})", "named by texts"},
      {R"({"dataframe_split":{"columns":["distance"],"data":[[1,2]]}})", "must have 1 values"},
      {R"({"dataframe_split":{"columns":["distance"],"data":[7]}})", "must have 1 values"},
      {R"({"instances":[[1,2]]})", "must be an object of columns"},
      {R"({"instances":[]})", "has no rows"},
      {R"({"instances":[{"distance":NaN}]})", "at byte"},
      {R"({"inputs":{}})", "has no rows"},
  };
  for (const auto& [body, part] : kBodies) {
    const auto request = mlflow(body);
    ASSERT_FALSE(request.has_value()) << body;
    EXPECT_EQ(request.error().code(), ErrorCode::InvalidArgument) << body;
    EXPECT_NE(request.error().message().find(part), std::string::npos) << body << "\n"
                                                                       << request.error().message();
  }
}

TEST(DecodeMlflow, csv_that_is_damaged_says_where) {
  const auto csv = [](const std::string& body) { return mlflow(body, "text/csv"); };
  EXPECT_EQ(findings_of(csv("distance,carrier\n1,a\n1\nx,b\n")),
            (std::vector<std::string>{"distance: wrong_type", "row 2: ragged"}));
  EXPECT_EQ(findings_of(csv("distance,distance\n1,1\n")),
            (std::vector<std::string>{"carrier: missing", "distance: duplicate"}));
  EXPECT_EQ(findings_of(csv("")).size(), 4u);  // an unknown column, no rows, two that are missing
  EXPECT_EQ(findings_of(csv("distance,carrier\n")), (std::vector<std::string>{": empty"}));
  EXPECT_NE(csv("distance,carrier\n1,\"a").error().message().find("never closed"),
            std::string::npos);
  EXPECT_NE(csv("distance,carrier\n1,\xff").error().message().find("UTF-8"), std::string::npos);
  const auto quoted = csv("distance,carrier\n1,\"a \"\"b\"\", \n c\"");
  ASSERT_TRUE(quoted.has_value()) << quoted.error().message();
  EXPECT_EQ(quoted->rows.column(1).text(0), "a \"b\", \n c");
  std::string many = "distance,carrier\n";
  for (int i = 0; i < 10'001; ++i) many += "1,a\n";
  EXPECT_EQ(findings_of(csv(many)), (std::vector<std::string>{": too_many_rows"}));
}

TEST(DecodeMlflow, rows_of_ever_new_names_cost_no_more_than_their_size) {
  std::string records = R"({"instances":[)";
  for (int i = 0; i < 10'000; ++i)
    records += (i == 0 ? "" : ",") + ("{\"n" + std::to_string(i) + "\":1}");
  const auto request = mlflow(records + "]}");
  ASSERT_FALSE(request.has_value());
  EXPECT_EQ(request.error().findings().size(), 201u);
}

deployment::Answer answer_of(bool binary) {
  deployment::Answer answer;
  answer.model = "flight-delay";
  answer.version = "3";
  answer.binary = binary;
  answer.scores = {0.1, 0.75};
  answer.predicted = binary ? std::vector<double>{0, 1} : answer.scores;
  answer.ids = {"a", "b"};
  return answer;
}

Json read(const std::string& text) {
  auto json = parse_json(text);
  EXPECT_TRUE(json.has_value()) << text;
  return json.has_value() ? *json : Json();
}

TEST(Encode, v2_answers_have_the_protocols_shape) {
  InferenceRequest request;
  EXPECT_EQ(encode_v2(answer_of(true), request, "from-header"),
            R"({"model_name":"flight-delay","model_version":"3","id":"from-header","outputs":[)"
            R"({"name":"predicted","datatype":"BOOL","shape":[2],"data":[false,true]},)"
            R"({"name":"score","datatype":"FP64","shape":[2],"data":[0.1,0.75]},)"
            R"({"name":"prediction_id","datatype":"BYTES","shape":[2],"data":["a","b"]}]})"
            "\n");
  request.id = "mine";
  request.outputs = {"score"};
  const Json some = read(encode_v2(answer_of(true), request, "from-header"));
  EXPECT_EQ(some["id"], "mine");
  ASSERT_EQ(some["outputs"].size(), 1u);
  EXPECT_EQ(some["outputs"][0]["name"], "score");
  const Json regression = read(encode_v2(answer_of(false), {}, "x"));
  ASSERT_EQ(regression["outputs"].size(), 2u);
  EXPECT_EQ(regression["outputs"][0]["datatype"], "FP64");
}

TEST(Encode, a_score_that_is_no_number_is_null_and_never_breaks_the_json) {
  deployment::Answer answer = answer_of(false);
  answer.scores[0] = answer.predicted[0] = std::numeric_limits<double>::infinity();
  const std::string text = encode_v2(answer, {}, "x");
  EXPECT_TRUE(parse_json(text).has_value()) << text;
  EXPECT_NE(text.find("[null,0.75]"), std::string::npos) << text;
}

TEST(Encode, mlflow_answers_are_one_object_a_row) {
  EXPECT_EQ(encode_mlflow(answer_of(true)),
            R"({"predictions":[{"predicted":false,"score":0.1,"prediction_id":"a"},)"
            R"({"predicted":true,"score":0.75,"prediction_id":"b"}]})"
            "\n");
  EXPECT_EQ(encode_mlflow(answer_of(false)),
            R"({"predictions":[{"predicted":0.1,"prediction_id":"a"},)"
            R"({"predicted":0.75,"prediction_id":"b"}]})"
            "\n");
}

TEST(Encode, one_row_is_written_as_an_answer_of_one_row_is) {
  for (const bool binary : {true, false}) {
    for (const double score : {0.1, 1.0, 0.0, -0.0, 1e22, 5e-324, 123456789.0}) {
      deployment::Answer answer = answer_of(binary);
      answer.scores = {score};
      answer.predicted = {binary ? 1 : score};
      deployment::RowReply reply;
      reply.score = score;
      reply.predicted = answer.predicted[0];
      std::ranges::fill(reply.id, 'f');
      answer.ids = {std::string(reply.id_text())};
      const AnswerName name{R"("flight-delay")", "3", binary};
      EXPECT_EQ(encode_row_v2(reply, name, "r-1"), encode_v2(answer, {}, "r-1"));
      EXPECT_EQ(encode_row_mlflow(reply, name), encode_mlflow(answer));
      const Json told = read(encode_row_mlflow(reply, name))["predictions"][0];
      EXPECT_EQ(told[binary ? "score" : "predicted"].get<double>(), score);
    }
  }
}

TEST(Encode, words_of_a_client_are_escaped) {
  InferenceRequest request;
  request.id = "a\"\\\n\x7f";
  EXPECT_EQ(read(encode_v2(answer_of(true), request, "x"))["id"], request.id);
}

TEST(DecodeV2, extensions_that_are_not_offered_are_refused_by_their_names) {
  const auto with = [](const char* parameters, const char* output) {
    return v2(R"({"inputs":[{"name":"distance","shape":[1],"datatype":"FP64","parameters":)" +
              std::string(parameters) + R"(,"data":[1]},)" + tensor("carrier", "[1]", R"(["AA"])") +
              R"(],"outputs":[{"name":"score","parameters":)" + output + "}]}");
  };
  EXPECT_TRUE(with("{}", R"({"binary_data":false})").has_value());
  EXPECT_EQ(findings_of(with(R"({"binary_data_size":8})", "{}")),
            (std::vector<std::string>{"distance: extension", "distance: missing"}));
  EXPECT_EQ(findings_of(with(R"({"shared_memory_region":"r"})", "{}")),
            (std::vector<std::string>{"distance: extension", "distance: missing"}));
  EXPECT_EQ(findings_of(with("{}", R"({"classification":2})")),
            (std::vector<std::string>{"score: extension"}));
}

TEST(Encode, metadata_names_inputs_and_outputs) {
  const Json json = metadata_v2("m", "3", shape(), true);
  EXPECT_EQ(json["versions"][0], "3");
  EXPECT_EQ(json["inputs"].size(), 5u);
  EXPECT_EQ(json["inputs"][2]["datatype"], "INT64");
  EXPECT_EQ(json["inputs"][4]["datatype"], "BYTES");
  EXPECT_EQ(json["outputs"].size(), 3u);
  EXPECT_EQ(metadata_v2("m", "3", shape(), false)["outputs"].size(), 2u);
}

}  // namespace
}  // namespace martlet::server
