#include "lifecycle/live_loop_testing.h"

#include "deployment/inference_service.h"
#include "lifecycle/packages.h"
#include "lifecycle/run.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::lifecycle {

namespace {

constexpr std::int64_t kHistoryDays = 60;
constexpr std::int64_t kHour = kMicrosPerDay / 24;
// 2024-03-01T00:00:00Z
constexpr Timestamp kTurn{1'709'251'200'000'000};

constexpr const char* kProject = R"(version: 1
project: shop
problem:
  task: binary
  target: good
  time: at
  zone: UTC
  key: [id]
  kpis:
    - {name: gain, value: "case when predicted and actual then 1 when predicted then -1 else 0 end"}
data:
  sources: {orders: {files: orders.csv, csv: {types: {at: timestamp, id: text}}}}
models: {candidates: [logistic], seed: 3}
features: {columns: {at: {parts: [hour]}}}
)";

struct Order {
  Timestamp at;
  double x = 0;
  bool good = false;
};

// The same order for the same hour, whenever it is asked for.
Order order_of(std::int64_t hour) {
  SeededRandom random(static_cast<std::uint64_t>(hour + 100'000));
  Order order;
  order.at = kTurn + Duration(hour * kHour);
  order.x = random.uniform() * 2 - 1;
  const double noisy = order.x + 0.4 * (random.uniform() - 0.5);
  order.good = hour < 0 ? noisy > 0 : noisy < 0;
  return order;
}

std::string id_of(std::int64_t hour) { return "o" + std::to_string(hour); }

std::string history_csv() {
  std::string csv = "id,at,x,good\n";
  for (std::int64_t hour = -kHistoryDays * 24; hour < 0; ++hour) {
    const Order order = order_of(hour);
    csv += fmt::format("{},{},{},{}\n", id_of(hour), to_text(order.at), order.x, order.good);
  }
  return csv;
}

}  // namespace

ServedShop::ServedShop(const std::string& monitoring)
    : directory_(platform::TemporaryDirectory::create().value()), clock_(kTurn), random_(7),
      pool_({.threads = 1, .queue_limit = 64, .name = "compute"}, Log::none()) {
  host_ = std::make_unique<Host>(
      Host{files_, clock_, random_, Log::none(), pool_, "0.0-test", "martlet-test"});
  const std::string text = std::string(kProject) + monitoring;
  MARTLET_CHECK(
      files_.write_file_durably(directory_.path() + "/orders.csv", history_csv()).has_value(),
      "the orders are written");
  auto parsed = parse_project(text, "martlet.yaml", directory_.path());
  MARTLET_CHECK(parsed.has_value(), parsed.has_value() ? "" : parsed.error().message().c_str());
  project_ = std::make_unique<Project>(std::move(*parsed));
  store_ = Store::open(*host_, directory_.path() + "/.martlet", WhenMissing::Create).value();
  deployment_ = deployment_of(*project_, registry::Environment::Experiment);
  auto run = run_lifecycle(*store_, *project_, {});
  MARTLET_CHECK(run.has_value() && run->gates_passed, "the first version passes its gates");
}

void ServedShop::serve_day(int day) {
  const auto live =
      LiveDeployment::open(*store_, *project_, registry::Environment::Experiment).value();
  std::vector<std::int64_t> at;
  std::vector<double> x;
  std::vector<std::string> id;
  Json truths = Json::array();
  for (int hour = day * 24; hour < (day + 1) * 24; ++hour) {
    const Order order = order_of(hour);
    at.push_back(order.at.micros);
    x.push_back(order.x);
    id.push_back(id_of(hour));
    truths.push_back(Json{{"key", Json{{"id", id.back()}}}, {"actual", order.good}});
  }
  clock_.set(kTurn + Duration(day * kMicrosPerDay + 12 * kHour));
  const columns::Batch rows(
      columns::Schema({{"at", columns::Type::Timestamp}, {"x", columns::Type::Double}}),
      {columns::Column::of_timestamps(at), columns::Column::of_doubles(x)});
  const columns::Batch keys(columns::Schema({{"id", columns::Type::Text}}),
                            {columns::Column::of_texts(id)});
  auto answer = live->service().answer("", rows, keys);
  MARTLET_CHECK(answer.has_value(), answer.has_value() ? "" : answer.error().message().c_str());
  end_of_day(day);
  MARTLET_CHECK(live->accept_truth(truths).has_value(), "the truth is taken in");
  MARTLET_CHECK(live->close().has_value(), "the predictions are durable");
}

void ServedShop::end_of_day(int day) {
  clock_.set(kTurn + Duration((day + 1) * kMicrosPerDay + kMicrosPerDay / 86'400));
}

Result<LiveLoopReport> ServedShop::tick() { return tick_live(*store_, *project_, options_); }

std::string ServedShop::live() const {
  const auto version = registry_of(*store_)
                           .target_of(registry::ModelName::parse("shop").value(),
                                      registry::Environment::Experiment, registry::live_alias())
                           .value();
  return version.has_value() ? registry::to_text(version->model, version->version) : "";
}

monitoring::DeploymentHistory ServedShop::history() const {
  return monitoring::history_of(store_->database(), deployment_, 10'000).value();
}

std::vector<monitoring::RetrainRecord> ServedShop::turns() const {
  std::vector<monitoring::RetrainRecord> turns = history().turns;
  std::reverse(turns.begin(), turns.end());
  return turns;
}

Loop::Parts ServedShop::loop_parts() const {
  Loop::Parts parts{*store_, *project_};
  parts.deployment = deployment_;
  parts.cancel = options_.cancel;
  return parts;
}

}  // namespace martlet::lifecycle
