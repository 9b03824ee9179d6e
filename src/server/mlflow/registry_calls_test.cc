// Every call about registered models and model versions, over HTTP: success, malformed, missing,
// conflict, unknown.
#include "artifacts/memory_blob_store.h"
#include "base/log.h"
#include "deployment/inference_service.h"
#include "metadata/database.h"
#include "net/http_client.h"
#include "net/telemetry.h"
#include "platform/real_clock.h"
#include "registry/model_registry.h"
#include "registry/schema.h"
#include "server/app.h"
#include "server/mlflow/api.h"
#include "tracking/schema.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <stdlib.h>
#include <vector>

namespace martlet::server::mlflow {
namespace {

using net::Method;

// One call, what its answer's status and error code are, and what stands somewhere in it.
struct Row {
  Method method;
  std::string call;
  std::string body;
  int status;
  std::string code;  // "" for success
  std::string part;
};

class RegistryCallsTest : public testing::Test {
 protected:
  RegistryCallsTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "martlet-test-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    auto opened = metadata::Database::open(
        directory_ + "/metadata.db",
        {.schema = {tracking::tracking_schema(), registry::registry_schema()}});
    EXPECT_TRUE(opened.has_value());
    database_ = std::move(*opened);
    auto api = Api::open(*database_, blobs_, clock_, random_);
    EXPECT_TRUE(api.has_value());
    api_ = std::move(*api);
    AppOptions options;
    options.port = 0;
    options.loops = 1;
    options.pool_threads = 2;
    options.version = "1.2.3";
    options.needs_model = false;
    app_ = std::make_unique<App>(service_, telemetry_, clock_, Log::none(), options);
    app_->add_api(*api_);
    const auto started = app_->start();
    EXPECT_TRUE(started.has_value());
  }
  ~RegistryCallsTest() override {
    app_.reset();
    api_.reset();
    database_.reset();
    std::filesystem::remove_all(directory_);
  }

  net::HttpResponse send(Method method, const std::string& path, const std::string& body) {
    net::HttpCall call;
    call.method = method;
    call.url = app_->url() + path;
    call.body = body;
    call.policy = std::nullopt;
    if (!body.empty()) call.headers.emplace_back("Content-Type", "application/json");
    auto response = client_.send(call, {}, {});
    EXPECT_TRUE(response.has_value()) << (response.has_value() ? "" : response.error().message());
    return response.has_value() ? *response : net::HttpResponse{};
  }
  Json json_of(Method method, const std::string& call, const std::string& body = "") {
    const net::HttpResponse response = send(method, "/api/2.0/mlflow/" + call, body);
    auto json = parse_json(response.body);
    EXPECT_TRUE(json.has_value()) << response.body;
    return json.has_value() ? *json : Json();
  }
  void expect(const std::vector<Row>& rows) {
    for (const Row& row : rows) {
      SCOPED_TRACE(std::string(name_of(row.method)) + " " + row.call + " " + row.body);
      const net::HttpResponse response = send(row.method, "/api/2.0/mlflow/" + row.call, row.body);
      EXPECT_EQ(response.status, row.status) << response.body;
      EXPECT_NE(response.body.find(row.part), std::string::npos) << response.body;
      const auto json = parse_json(response.body);
      ASSERT_TRUE(json.has_value()) << response.body;
      EXPECT_EQ(json->value("error_code", std::string()), row.code) << response.body;
      EXPECT_EQ(json->value("message", std::string()).empty(), row.code.empty());
    }
  }
  // The model churn with versions 1 to `versions`.
  void make_churn(int versions) {
    json_of(Method::Post, "registered-models/create", R"({"name":"churn"})");
    for (int i = 0; i < versions; ++i)
      json_of(Method::Post, "model-versions/create",
              R"({"name":"churn","source":"s3://bucket/model"})");
  }

  std::string directory_;
  artifacts::MemoryBlobStore blobs_;
  platform::RealClock clock_;
  SeededRandom random_{1};
  SeededRandom id_random_{2};
  std::unique_ptr<metadata::Database> database_;
  net::Telemetry telemetry_;
  deployment::ModelSlot slot_;
  deployment::Admission admission_{8};
  deployment::InferenceService service_{slot_, nullptr, clock_, id_random_, admission_};
  std::unique_ptr<Api> api_;
  std::unique_ptr<App> app_;
  net::HttpClient client_;
};

constexpr const char* kInvalid = "INVALID_PARAMETER_VALUE";
constexpr const char* kAbsent = "RESOURCE_DOES_NOT_EXIST";

TEST_F(RegistryCallsTest, models) {
  const Method post = Method::Post;
  const std::string create = "registered-models/create";
  expect({
      {post, create,
       R"({"name":"churn","description":"who leaves","tags":[{"key":"a","value":"b"}]})", 200, "",
       R"("registered_model":{"name":"churn")"},
      {post, create, R"({"name":"churn"})", 400, "RESOURCE_ALREADY_EXISTS",
       "Registered Model (name=churn) already exists"},
      {post, create, R"({})", 400, kInvalid, "Missing value for required parameter 'name'"},
      {post, create, R"({"name":""})", 400, kInvalid, "'name'"},
      {post, create, R"({"name":7})", 400, kInvalid, "Invalid value 7 for parameter 'name'"},
      {post, create, R"({"name":"a/b"})", 400, kInvalid, "a/b"},
      {post, create, R"({"name":"a:b"})", 400, kInvalid, "a:b"},
      {post, create, R"({"name":".."})", 400, kInvalid, ".."},
      {post, create, R"({"name":"  "})", 400, kInvalid, "blank"},
      {post, create, R"({"name":"x","tags":[{"value":"b"}]})", 400, kInvalid, "tags[0].key"},
      {post, create, R"({"name":"x","tags":"b"})", 400, kInvalid, "tags"},
      {post, create, R"({"name":)", 400, kInvalid, ""},
      {Method::Get, "registered-models/get?name=churn", "", 200, "",
       R"("description":"who leaves")"},
      {Method::Get, "registered-models/get?name=other", "", 404, kAbsent,
       "Registered Model with name=other not found"},
      {Method::Get, "registered-models/get", "", 400, kInvalid, "'name'"},
      {Method::Patch, "registered-models/update", R"({"name":"churn","description":"why"})", 200,
       "", R"("description":"why")"},
      {Method::Patch, "registered-models/update", R"({"name":"other"})", 404, kAbsent, "other"},
      {Method::Patch, "registered-models/update", R"({"description":"x"})", 400, kInvalid,
       "'name'"},
      {post, "registered-models/rename", R"({"name":"churn","new_name":"leaving"})", 200, "",
       R"("name":"leaving")"},
      {post, "registered-models/rename", R"({"name":"churn","new_name":"x"})", 404, kAbsent,
       "churn"},
      {post, "registered-models/rename", R"({"name":"leaving"})", 400, kInvalid, "'new_name'"},
      {post, "registered-models/rename", R"({"name":"leaving","new_name":"a/b"})", 400, kInvalid,
       "a/b"},
      {post, create, R"({"name":"second"})", 200, "", "second"},
      {post, "registered-models/rename", R"({"name":"leaving","new_name":"second"})", 400,
       "RESOURCE_ALREADY_EXISTS", "second"},
      {post, "registered-models/set-tag", R"({"name":"leaving","key":"team","value":"red"})", 200,
       "", "{}"},
      {post, "registered-models/set-tag", R"({"name":"leaving","value":"red"})", 400, kInvalid,
       "'key'"},
      {post, "registered-models/set-tag", R"({"name":"other","key":"k","value":"v"})", 404, kAbsent,
       "other"},
      {Method::Delete, "registered-models/delete-tag", R"({"name":"leaving","key":"a"})", 200, "",
       "{}"},
      {Method::Delete, "registered-models/delete-tag", R"({"name":"leaving","key":"unknown"})", 200,
       "", "{}"},
      {Method::Delete, "registered-models/delete-tag", R"({"name":"other","key":"a"})", 404,
       kAbsent, "other"},
      {Method::Delete, "registered-models/delete", R"({"name":"leaving"})", 200, "", "{}"},
      {Method::Delete, "registered-models/delete", R"({"name":"leaving"})", 404, kAbsent,
       "leaving"},
      {Method::Delete, "registered-models/delete", R"({})", 400, kInvalid, "'name'"},
  });
}

TEST_F(RegistryCallsTest, searches_of_models_in_pages) {
  for (const char* name : {"a", "b", "c"})
    json_of(Method::Post, "registered-models/create",
            Json{{"name", name}, {"tags", {{{"key", "k"}, {"value", name}}}}}.dump());
  const Method get = Method::Get;
  expect({
      {get, "registered-models/search?filter=name%20LIKE%20%27z%25%27", "", 200, "", "{}"},
      {get, "registered-models/search?filter=tags.k%20%3D%20%27b%27", "", 200, "", R"("name":"b")"},
      {get, "registered-models/search?filter=size%20%3D%20%27b%27", "", 400, kInvalid, "size"},
      {get, "registered-models/search?filter=name%20%3D%20b", "", 400, kInvalid, "quotes"},
      {get, "registered-models/search?order_by=size", "", 400, kInvalid, "size"},
      {get, "registered-models/search?max_results=0", "", 400, kInvalid, "max_results"},
      {get, "registered-models/search?max_results=1001", "", 400, kInvalid, "max_results"},
      {get, "registered-models/search?page_token=forged", "", 400, kInvalid, "page token"},
  });
  const Json first = json_of(get, "registered-models/search?max_results=2&order_by=name%20DESC");
  ASSERT_EQ(first["registered_models"].size(), 2U) << first;
  EXPECT_EQ(first["registered_models"][0]["name"], "c");
  const std::string token = first["next_page_token"].get<std::string>();
  const Json second = json_of(
      get, "registered-models/search?max_results=2&order_by=name%20DESC&page_token=" + token);
  ASSERT_EQ(second["registered_models"].size(), 1U) << second;
  EXPECT_EQ(second["registered_models"][0]["name"], "a");
  EXPECT_FALSE(second.contains("next_page_token"));
  // Of another search.
  expect({{get, "registered-models/search?max_results=2&page_token=" + token, "", 400, kInvalid,
           "page token"}});
}

TEST_F(RegistryCallsTest, aliases) {
  make_churn(2);
  const Method post = Method::Post;
  const std::string alias = "registered-models/alias";
  expect({
      {post, alias, R"({"name":"churn","alias":"champion","version":"1"})", 200, "", "{}"},
      {post, alias, R"({"name":"churn","alias":"champion","version":"2"})", 200, "", "{}"},
      {post, alias, R"({"name":"churn","alias":"champion","version":"9"})", 404, kAbsent,
       "version=9"},
      {post, alias, R"({"name":"churn","alias":"champion","version":"x"})", 400, kInvalid,
       "version"},
      {post, alias, R"({"name":"churn","alias":"champion","version":"0"})", 400, kInvalid,
       "version"},
      {post, alias, R"({"name":"churn","alias":"champion"})", 400, kInvalid, "'version'"},
      {post, alias, R"({"name":"churn","alias":"latest","version":"1"})", 400, kInvalid, "latest"},
      {post, alias, R"({"name":"churn","alias":"V1","version":"1"})", 400, kInvalid, "V1"},
      {post, alias, R"({"name":"churn","alias":"a b","version":"1"})", 400, kInvalid, "a b"},
      {post, alias, R"({"name":"other","alias":"champion","version":"1"})", 404, kAbsent, "other"},
      {Method::Get, alias + "?name=churn&alias=champion", "", 200, "", R"("version":"2")"},
      {Method::Get, alias + "?name=churn&alias=absent", "", 400, kInvalid,
       "Registered model alias absent not found."},
      {Method::Get, alias + "?name=other&alias=champion", "", 404, kAbsent, "other"},
      {Method::Get, alias + "?name=churn", "", 400, kInvalid, "'alias'"},
      {Method::Get, "registered-models/get?name=churn", "", 200, "",
       R"("aliases":[{"alias":"champion","version":"2"}])"},
      {Method::Get, "model-versions/get?name=churn&version=2", "", 200, "",
       R"("aliases":["champion"])"},
      {Method::Delete, alias, R"({"name":"churn","alias":"champion"})", 200, "", "{}"},
      {Method::Delete, alias, R"({"name":"churn","alias":"champion"})", 200, "", "{}"},
      {Method::Delete, alias, R"({"name":"other","alias":"champion"})", 404, kAbsent, "other"},
      {Method::Delete, alias, R"({"name":"churn"})", 400, kInvalid, "'alias'"},
  });
}

TEST_F(RegistryCallsTest, versions) {
  make_churn(1);
  const Method post = Method::Post;
  const std::string create = "model-versions/create";
  expect({
      {post, create,
       R"({"name":"churn","source":"s3://b/m","description":"d","run_link":"http://x","tags":[{"key":"a","value":"b"}]})",
       200, "", R"("version":"2")"},
      {post, create, R"({"name":"other","source":"s3://b/m"})", 404, kAbsent,
       "Registered Model with name=other not found"},
      {post, create, R"({"name":"churn"})", 400, kInvalid, "'source'"},
      {post, create, R"({"source":"s3://b/m"})", 400, kInvalid, "'name'"},
      {post, create, R"({"name":"churn","source":7})", 400, kInvalid, "source"},
      {post, create, R"({"name":"churn","source":"/etc/passwd"})", 400, kInvalid,
       "Invalid model version source"},
      {post, create, R"({"name":"churn","source":"s3://b/%2e%2e/m"})", 400, kInvalid,
       "Invalid model version source"},
      {post, create, R"({"name":"churn","source":"runs:/r9/model","run_id":"r9"})", 400, kInvalid,
       "run_id"},
      {post, create, R"({"name":"churn","source":"models:/m-9","model_id":"m-9"})", 400, kInvalid,
       "model_id"},
      {post, create, R"({"name":"churn","source":"models:/churn/9"})", 404, kAbsent, "version=9"},
      {post, create, R"({"name":"churn","source":"models:/absent/1"})", 404, kAbsent, "absent"},
      {Method::Get, "model-versions/get?name=churn&version=2", "", 200, "",
       R"("current_stage":"None","description":"d","source":"s3://b/m","status":"READY","tags":[{"key":"a","value":"b"}],"run_link":"http://x")"},
      {Method::Get, "model-versions/get?name=churn&version=9", "", 404, kAbsent,
       "Model Version (name=churn, version=9) not found"},
      {Method::Get, "model-versions/get?name=churn&version=one", "", 400, kInvalid, "version"},
      {Method::Get, "model-versions/get?name=churn", "", 400, kInvalid, "'version'"},
      {Method::Patch, "model-versions/update",
       R"({"name":"churn","version":"2","description":"new"})", 200, "", R"("description":"new")"},
      {Method::Patch, "model-versions/update", R"({"name":"churn","version":"9"})", 404, kAbsent,
       "version=9"},
      {Method::Patch, "model-versions/update", R"({"name":"churn"})", 400, kInvalid, "'version'"},
      {post, "model-versions/set-tag", R"({"name":"churn","version":"2","key":"k","value":"v"})",
       200, "", "{}"},
      {post, "model-versions/set-tag", R"({"name":"churn","version":"2"})", 400, kInvalid, "'key'"},
      {post, "model-versions/set-tag", R"({"name":"churn","version":"9","key":"k","value":"v"})",
       404, kAbsent, "version=9"},
      {Method::Delete, "model-versions/delete-tag", R"({"name":"churn","version":"2","key":"k"})",
       200, "", "{}"},
      {Method::Delete, "model-versions/delete-tag", R"({"name":"churn","version":"2","key":"k"})",
       200, "", "{}"},
      {Method::Delete, "model-versions/delete-tag", R"({"name":"churn","version":"9","key":"k"})",
       404, kAbsent, "version=9"},
      {Method::Get, "model-versions/get-download-uri?name=churn&version=2", "", 200, "",
       R"({"artifact_uri":"s3://b/m"})"},
      {Method::Get, "model-versions/get-download-uri?name=churn&version=9", "", 404, kAbsent, "9"},
      {Method::Get, "model-versions/get-download-uri?name=churn", "", 400, kInvalid, "'version'"},
      {Method::Delete, "model-versions/delete", R"({"name":"churn","version":"2"})", 200, "", "{}"},
      {Method::Delete, "model-versions/delete", R"({"name":"churn","version":"2"})", 404, kAbsent,
       "version=2"},
      {Method::Delete, "model-versions/delete", R"({"name":"churn"})", 400, kInvalid, "'version'"},
      {Method::Get, "model-versions/get?name=churn&version=2", "", 404, kAbsent, "version=2"},
      // Its number isn't given again.
      {post, create, R"({"name":"churn","source":"s3://b/m"})", 200, "", R"("version":"3")"},
  });
}

TEST_F(RegistryCallsTest, stages_and_latest_versions) {
  make_churn(3);
  const Method post = Method::Post;
  const std::string move = "model-versions/transition-stage";
  expect({
      {post, move,
       R"({"name":"churn","version":"1","stage":"production","archive_existing_versions":false})",
       200, "", R"("current_stage":"Production")"},
      {post, move,
       R"({"name":"churn","version":"2","stage":"Production","archive_existing_versions":true})",
       200, "", R"("current_stage":"Production")"},
      {Method::Get, "model-versions/get?name=churn&version=1", "", 200, "",
       R"("current_stage":"Archived")"},
      {post, move,
       R"({"name":"churn","version":"2","stage":"Live","archive_existing_versions":false})", 400,
       kInvalid, "Staging, Production"},
      {post, move,
       R"({"name":"churn","version":"2","stage":"None","archive_existing_versions":true})", 400,
       kInvalid, "archive"},
      {post, move, R"({"name":"churn","version":"2","archive_existing_versions":false})", 400,
       kInvalid, "'stage'"},
      {post, move,
       R"({"name":"churn","version":"9","stage":"None","archive_existing_versions":false})", 404,
       kAbsent, "version=9"},
      {post, "registered-models/get-latest-versions", R"({"name":"churn","stages":["PRODUCTION"]})",
       200, "", R"("version":"2")"},
      {post, "registered-models/get-latest-versions", R"({"name":"churn","stages":["Staging"]})",
       200, "", "{}"},
      {post, "registered-models/get-latest-versions", R"({"name":"churn","stages":["x"]})", 400,
       kInvalid, "stage"},
      {post, "registered-models/get-latest-versions", R"({"name":"other"})", 404, kAbsent, "other"},
      {post, "registered-models/get-latest-versions", R"({})", 400, kInvalid, "'name'"},
  });
  const Json latest = json_of(
      Method::Get, "registered-models/get-latest-versions?name=churn&stages=None&stages=archived");
  ASSERT_EQ(latest["model_versions"].size(), 2U) << latest;
  EXPECT_EQ(latest["model_versions"][0]["version"], "3");
  EXPECT_EQ(latest["model_versions"][1]["version"], "1");
  const Json model = json_of(Method::Get, "registered-models/get?name=churn");
  EXPECT_EQ(model["registered_model"]["latest_versions"].size(), 3U) << model;
}

TEST_F(RegistryCallsTest, searches_of_versions_in_pages) {
  make_churn(5);
  const Method get = Method::Get;
  expect({
      {get, "model-versions/search?filter=name%3D%27other%27", "", 200, "", "{}"},
      {get, "model-versions/search?filter=version_number%20%3E%20%27a%27", "", 400, kInvalid,
       "integer"},
      {get, "model-versions/search?order_by=size", "", 400, kInvalid, "size"},
      {get, "model-versions/search?max_results=200001", "", 400, kInvalid, "max_results"},
      {get, "model-versions/search?page_token=x", "", 400, kInvalid, "page token"},
  });
  std::vector<std::string> found;
  std::string token;
  for (int pages = 0; pages < 3; ++pages) {
    const Json page = json_of(
        get, "model-versions/"
             "search?filter=name%3D%27churn%27&order_by=version_number%20ASC&max_results=2" +
                 (token.empty() ? "" : "&page_token=" + token));
    for (const Json& version : page["model_versions"])
      found.push_back(version["version"].get<std::string>());
    token = page.value("next_page_token", std::string());
  }
  EXPECT_EQ(found, (std::vector<std::string>{"1", "2", "3", "4", "5"}));
  EXPECT_TRUE(token.empty());
}

// What register_model sends after log_model, and what copy_model_version sends.
TEST_F(RegistryCallsTest, versions_of_runs_logged_models_and_other_versions) {
  make_churn(0);
  const Json run = json_of(Method::Post, "runs/create", R"({"experiment_id":"0"})");
  const std::string run_id = run["run"]["info"]["run_id"].get<std::string>();
  const std::string uri = run["run"]["info"]["artifact_uri"].get<std::string>();
  const Json logged =
      json_of(Method::Post, "logged-models",
              Json{{"experiment_id", "0"}, {"name", "m"}, {"source_run_id", run_id}}.dump());
  const std::string model_id = logged["model"]["info"]["model_id"].get<std::string>();
  const std::string model_uri = logged["model"]["info"]["artifact_uri"].get<std::string>();
  const auto create = [&](const Json& fields) {
    Json body{{"name", "churn"}};
    body.update(fields);
    return json_of(Method::Post, "model-versions/create", body.dump());
  };
  const auto download = [&](int version) {
    return json_of(Method::Get, "model-versions/get-download-uri?name=churn&version=" +
                                    std::to_string(version))["artifact_uri"];
  };
  EXPECT_EQ(create({{"source", uri + "/model"}, {"run_id", run_id}})["model_version"]["run_id"],
            run_id);
  EXPECT_EQ(download(1), uri + "/model");
  EXPECT_EQ(create({{"source", uri + "/model"}})["error_code"], kInvalid);
  EXPECT_EQ(create({{"source", "runs:/" + run_id + "/model"},
                    {"run_id", run_id}})["model_version"]["source"],
            "runs:/" + run_id + "/model");
  EXPECT_EQ(download(2), uri + "/model");
  const Json third = create({{"source", "models:/" + model_id}, {"model_id", model_id}});
  EXPECT_EQ(third["model_version"]["model_id"], model_id) << third;
  EXPECT_EQ(third["model_version"]["run_id"], run_id);
  EXPECT_EQ(download(3), model_uri);
  EXPECT_EQ(create({{"source", "models:/" + model_id}})["error_code"], kInvalid);
  const Json registrations =
      json_of(Method::Get, "logged-models/" + model_id)["model"]["info"]["registrations"];
  ASSERT_EQ(registrations.size(), 1U) << registrations;
  EXPECT_EQ(registrations[0]["version"], "3");
  // Copies, by version and by alias; what the client says must be so.
  json_of(Method::Post, "registered-models/alias",
          R"({"name":"churn","alias":"champion","version":"3"})");
  const Json fourth = create({{"source", "models:/churn@champion"}});
  EXPECT_EQ(fourth["model_version"]["source"], "models:/churn/3") << fourth;
  EXPECT_EQ(fourth["model_version"]["run_id"], run_id);
  EXPECT_EQ(fourth["model_version"]["model_id"], model_id);
  EXPECT_EQ(download(4), model_uri);
  EXPECT_EQ(create({{"source", "models:/churn/1"}, {"run_id", "another"}})["error_code"], kInvalid);
  EXPECT_EQ(create({{"source", "models:/churn/1"}, {"run_id", run_id}})["model_version"]["version"],
            "5");
  EXPECT_EQ(download(5), uri + "/model");
}

TEST_F(RegistryCallsTest, prompts_are_models_that_searches_hide) {
  const std::string tags = R"("tags":[{"key":"mlflow.prompt.is_prompt","value":"true"}])";
  json_of(Method::Post, "registered-models/create", R"({"name":"greeting",)" + tags + "}");
  const std::string create = "model-versions/create";
  expect({
      {Method::Post, create, R"({"name":"greeting","source":"dummy-source",)" + tags + "}", 200, "",
       R"("version":"1")"},
      {Method::Post, create, R"({"name":"greeting","source":"s3://b/m",)" + tags + "}", 400,
       kInvalid, "prompt"},
      {Method::Post, create, R"({"name":"greeting","source":"dummy-source"})", 400, kInvalid,
       "path"},
      {Method::Post, create, R"({"name":"greeting","source":"models:/greeting/1"})", 400, kInvalid,
       "prompt"},
      {Method::Get, "registered-models/search", "", 200, "", "{}"},
      {Method::Get,
       "registered-models/search?filter=tags.%60mlflow.prompt.is_prompt%60%20%3D%20%27true%27", "",
       200, "", "greeting"},
      {Method::Get, "model-versions/search?filter=name%3D%27greeting%27", "", 200, "", "{}"},
  });
}

// A martlet server may be answering with it.
TEST_F(RegistryCallsTest, what_is_live_is_neither_removed_nor_renamed_nor_replaced_by_a_source) {
  registry::ModelRegistry models(*database_, blobs_, clock_);
  const registry::ModelName churn = *registry::ModelName::parse("churn");
  const Digest package = *blobs_.put("package");
  ASSERT_TRUE(models.add_version({churn, package, RunId("r1")}, {}).has_value());
  json_of(Method::Post, "model-versions/create",
          R"({"name":"churn","source":"s3://bucket/model"})");
  const std::string alias = "registered-models/alias";
  expect({
      {Method::Post, alias, R"({"name":"churn","alias":"live","version":"1"})", 200, "", "{}"},
      {Method::Post, alias, R"({"name":"churn","alias":"live","version":"2"})", 409,
       "RESOURCE_CONFLICT", "package"},
      {Method::Delete, "model-versions/delete", R"({"name":"churn","version":"1"})", 409,
       "RESOURCE_CONFLICT", "live in experiment"},
      {Method::Delete, "registered-models/delete", R"({"name":"churn"})", 409, "RESOURCE_CONFLICT",
       "live in experiment"},
      {Method::Post, "registered-models/rename", R"({"name":"churn","new_name":"x"})", 409,
       "RESOURCE_CONFLICT", "live in experiment"},
      {Method::Get, "model-versions/get-download-uri?name=churn&version=1", "", 400, kInvalid,
       "package"},
      {Method::Delete, "model-versions/delete", R"({"name":"churn","version":"2"})", 200, "", "{}"},
      {Method::Delete, alias, R"({"name":"churn","alias":"live"})", 200, "", "{}"},
      {Method::Delete, "registered-models/delete", R"({"name":"churn"})", 200, "", "{}"},
  });
}

TEST_F(RegistryCallsTest, both_prefixes_answer_and_bodies_serve_where_there_is_no_query) {
  make_churn(1);
  for (const char* prefix : {"/api/2.0/mlflow/", "/ajax-api/2.0/mlflow/"}) {
    EXPECT_EQ(
        send(Method::Get, std::string(prefix) + "registered-models/get?name=churn", "").status,
        200);
    EXPECT_EQ(send(Method::Get, std::string(prefix) + "model-versions/get",
                   R"({"name":"churn","version":"1"})")
                  .status,
              200);
    EXPECT_EQ(send(Method::Get, std::string(prefix) + "registered-models/unknown", "").status, 404);
    EXPECT_EQ(send(Method::Put, std::string(prefix) + "registered-models/create", "{}").status,
              405);
  }
}

}  // namespace
}  // namespace martlet::server::mlflow
