#include "deployment/inference_service.h"
#include "deployment/tiny_models_testing.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <latch>
#include <limits>
#include <mutex>
#include <set>
#include <thread>

namespace {
// Counts this thread's allocations while it's asked to.
thread_local bool counting = false;
thread_local std::size_t allocations = 0;
}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  if (counting) ++allocations;
  if (void* const place = std::malloc(size == 0 ? 1 : size)) return place;
  std::abort();
}
[[gnu::noinline]] void operator delete(void* place) noexcept { std::free(place); }
[[gnu::noinline]] void operator delete(void* place, std::size_t) noexcept { std::free(place); }

namespace martlet::deployment {
namespace {

using columns::Batch;
using columns::Cell;
using columns::Column;
using testing::flights;
using testing::tiny_model;

std::uint64_t bits(double value) { return std::bit_cast<std::uint64_t>(value); }

std::vector<Cell> cells_of(const ServedModel& model, const Batch& rows, std::size_t at) {
  std::vector<Cell> cells;
  for (const features::InputField& input : model.inputs())
    cells.push_back(rows.find(input.name)->cell(at));
  return cells;
}

// An event and what it pointed to.
struct Kept {
  explicit Kept(const PredictionEvent& told)
      : event(told), id(told.id), key(told.key.size()), row(told.row.size()) {
    for (std::size_t i = 0; i < told.key.size(); ++i) key.set(i, told.key[i]);
    for (std::size_t i = 0; i < told.row.size(); ++i) row.set(i, told.row[i]);
  }
  PredictionEvent event;  // its numbers
  std::string id;
  columns::Row key;
  columns::Row row;
};

// Keeps what it's told, or sheds it.
class FakeSink : public PredictionSink {
 public:
  bool record(const PredictionEvent& event) override {
    const std::lock_guard lock(mutex_);
    if (full) return false;
    events.emplace_back(event);
    return true;
  }
  bool full = false;
  std::vector<Kept> events;

 private:
  std::mutex mutex_;
};

const std::shared_ptr<const ServedModel>& first_model() {
  static const auto kModel = tiny_model(1, 3);
  return kModel;
}
const std::shared_ptr<const ServedModel>& second_model() {
  static const auto kModel = tiny_model(2, 4);
  return kModel;
}

struct Service {
  VirtualClock clock{Timestamp{1'700'000'000'000'000}};
  SeededRandom random{1};
  FakeSink sink;
  ModelSlot slot;
  Admission admission{2};
  InferenceService service{slot, &sink, clock, random, admission};
};

TEST(ServedModel, one_row_gets_the_bits_that_it_gets_among_many) {
  const Batch rows = flights(300, 9);
  const ServedModel& model = *first_model();
  const auto many = model.predict(rows);
  ASSERT_TRUE(many.has_value()) << many.error().message();
  ASSERT_EQ(many->scores.size(), 300u);
  std::set<double> decisions;
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    const auto one = model.predict(rows.slice(i, 1));
    ASSERT_TRUE(one.has_value()) << one.error().message();
    const auto row = model.predict_row(cells_of(model, rows, i));
    ASSERT_TRUE(row.has_value()) << row.error().message();
    EXPECT_EQ(bits(one->scores.at(0)), bits(many->scores[i]));
    EXPECT_EQ(bits(row->score), bits(many->scores[i]));
    EXPECT_EQ(many->predicted[i], many->scores[i] >= 0.4 ? 1 : 0);
    EXPECT_EQ(one->predicted.at(0), many->predicted[i]);
    EXPECT_EQ(row->predicted, many->predicted[i]);
    decisions.insert(many->predicted[i]);
  }
  EXPECT_EQ(decisions.size(), 2u);
}

TEST(ServedModel, a_row_allocates_nothing_once_its_thread_has_answered_one) {
  const Batch rows = flights(20, 9);
  const ServedModel& model = *first_model();
  const std::vector<Cell> cells = cells_of(model, rows, 1);
  ASSERT_TRUE(model.predict_row(cells).has_value());
  allocations = 0;
  counting = true;
  bool answered = true;
  for (int i = 0; i < 100; ++i) answered = answered && model.predict_row(cells).has_value();
  counting = false;
  EXPECT_TRUE(answered);
  EXPECT_EQ(allocations, 0u);
}

TEST(ServedModel, columns_are_found_by_name_whatever_their_order) {
  const Batch rows = flights(5, 9);
  const std::vector<std::string> turned = {"departs", "seats", "carrier", "distance"};
  const Batch other =
      rows.select(turned)->with("more", Column::missing(columns::Type::Text, 5)).slice(2, 1);
  EXPECT_EQ(first_model()->predict(other)->scores,
            first_model()->predict(rows.slice(2, 1))->scores);
}

TEST(ServedModel, missing_columns_and_wrong_types_are_all_named_on_both_paths) {
  const std::vector<std::string> gone = {"carrier", "seats"};
  const Batch rows = flights(2, 9).without(gone);
  for (const std::size_t count : {std::size_t{1}, std::size_t{2}}) {
    const auto answer = first_model()->predict(rows.slice(0, count));
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().code(), ErrorCode::InvalidArgument);
    EXPECT_NE(answer.error().message().find("carrier"), std::string::npos);
    EXPECT_NE(answer.error().message().find("seats"), std::string::npos);
  }
  const Batch wrong = flights(2, 9).with("carrier", Column::of_int64s({1, 2}));
  EXPECT_EQ(first_model()->predict(wrong).error().code(), ErrorCode::InvalidArgument);
  EXPECT_EQ(first_model()->predict(wrong.slice(0, 1)).error().code(), ErrorCode::InvalidArgument);
  EXPECT_EQ(first_model()->predict_row({}).error().code(), ErrorCode::InvalidArgument);
  // A scorer whose row was refused answers the next one all the same.
  EXPECT_TRUE(first_model()->predict(flights(1, 9)).has_value());
}

TEST(ServedModel, a_regression_decides_nothing) {
  const auto model = tiny_model(1, 5, features::Task::Regression);
  EXPECT_FALSE(model->binary());
  EXPECT_EQ(model->threshold(), std::nullopt);
  const auto answers = *model->predict(flights(3, 9));
  EXPECT_EQ(answers.predicted, answers.scores);
  const auto one = *model->predict(flights(3, 9).slice(1, 1));
  EXPECT_EQ(bits(one.predicted[0]), bits(answers.predicted[1]));
}

TEST(ModelSlot, counts_follow_a_version_through_its_turns) {
  ModelSlot slot;
  EXPECT_EQ(slot.current(), nullptr);
  EXPECT_EQ(slot.swap(first_model()), nullptr);
  slot.live()->count_answered(3);
  EXPECT_EQ(slot.swap(second_model()), first_model());
  slot.live()->count_failed();
  EXPECT_EQ(slot.swap(first_model()), second_model());
  slot.live()->count_answered(4);
  const auto counts = slot.counts();
  ASSERT_EQ(counts.size(), 2u);
  EXPECT_EQ(counts[0].version.number, 1);
  EXPECT_EQ(counts[0].requests, 2u);
  EXPECT_EQ(counts[0].rows, 7u);
  EXPECT_EQ(counts[1].failed, 1u);
  EXPECT_EQ(slot.swap(nullptr), first_model());
  EXPECT_EQ(slot.current(), nullptr);
}

TEST(ModelSlot, a_replaced_model_lives_as_long_as_a_request_holds_it) {
  ModelSlot slot;
  auto model = tiny_model(1, 6);
  const std::weak_ptr<const ServedModel> watched = model;
  slot.swap(std::move(model));
  auto held = slot.live();
  slot.swap(second_model());
  EXPECT_FALSE(watched.expired());
  EXPECT_TRUE(held->model().predict(flights(1, 9)).has_value());
  held.reset();
  EXPECT_TRUE(watched.expired());
}

TEST(ModelSlot, every_answer_during_swaps_is_of_one_version_as_a_whole) {
  Service f;
  Admission wide(100);
  InferenceService service(f.slot, nullptr, f.clock, f.random, wide);
  f.slot.swap(first_model());
  const Batch rows = flights(8, 9);
  const auto by_first = first_model()->predict(rows)->scores;
  const auto by_second = second_model()->predict(rows)->scores;
  ASSERT_NE(by_first, by_second);
  constexpr int kThreads = 3;
  constexpr int kRequests = 1000;
  std::atomic<int> wrong{0};
  std::latch begin(kThreads + 1);
  std::atomic<int> running{kThreads};
  std::vector<std::thread> clients;
  for (int t = 0; t < kThreads; ++t) {
    clients.emplace_back([&] {
      begin.arrive_and_wait();
      for (int i = 0; i < kRequests; ++i) {
        const bool one = i % 2 == 0;
        const auto at = static_cast<std::size_t>(i % 8);
        const auto answer = service.answer("", one ? rows.slice(at, 1) : rows);
        if (!answer.has_value()) {
          ++wrong;
          continue;
        }
        const auto& expected = answer->version == "1" ? by_first : by_second;
        if (one ? bits(answer->scores[0]) != bits(expected[at]) : answer->scores != expected)
          ++wrong;
      }
      --running;
    });
  }
  begin.arrive_and_wait();
  for (bool second = true; running.load() > 0; second = !second) {
    f.slot.swap(second ? second_model() : first_model());
    std::this_thread::yield();
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(wrong.load(), 0);
  std::uint64_t answered = 0;
  for (const VersionCounts& counts : f.slot.counts()) answered += counts.requests;
  EXPECT_EQ(answered, static_cast<std::uint64_t>(kThreads * kRequests));
}

TEST(Admission, what_is_beyond_the_limit_is_refused_until_a_place_is_free) {
  Admission admission(2);
  auto one = admission.enter();
  {
    auto two = admission.enter();
    ASSERT_TRUE(two.has_value());
    const auto three = admission.enter();
    ASSERT_FALSE(three.has_value());
    EXPECT_EQ(three.error().code(), ErrorCode::Unavailable);
    const Admission::Ticket moved = std::move(*two);
    EXPECT_EQ(admission.in_flight(), 2u);
  }
  EXPECT_EQ(admission.in_flight(), 1u);
  EXPECT_EQ(admission.refused(), 1u);
  EXPECT_TRUE(admission.enter().has_value());
}

TEST(InferenceService, says_why_there_is_no_answer) {
  Service f;
  EXPECT_EQ(f.service.answer("", flights(1)).error().code(), ErrorCode::Unavailable);
  f.slot.swap(second_model());
  EXPECT_EQ(f.service.answer("other", flights(1)).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(f.service.live("flight-delay", "1").error().code(), ErrorCode::NotFound);
  EXPECT_TRUE(f.service.live("flight-delay", "2").has_value());
  EXPECT_TRUE(f.service.answer("flight-delay", flights(1)).has_value());
  const auto one = f.service.admit();
  const auto two = f.service.admit();
  EXPECT_EQ(f.service.answer("", flights(1)).error().code(), ErrorCode::Unavailable);
  EXPECT_EQ(f.sink.events.size(), 1u);
}

TEST(InferenceService, reports_each_row_under_the_id_that_it_returned) {
  Service f;
  f.slot.swap(second_model());
  const Batch rows = flights(3, 9);
  const Batch keys(second_model()->key(),
                   {Column::of_texts(std::vector<std::string>{"a", "b", "ü"}),
                    Column::of_dates({1, 2, 3}, {1, 0, 1})});
  const auto answer = f.service.answer("flight-delay", rows, keys);
  ASSERT_TRUE(answer.has_value()) << answer.error().message();
  EXPECT_EQ(answer->model, "flight-delay");
  EXPECT_EQ(answer->version, "2");
  ASSERT_EQ(f.sink.events.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    const Kept& kept = f.sink.events[i];
    const PredictionEvent& event = kept.event;
    EXPECT_EQ(kept.id, answer->ids[i]);
    EXPECT_EQ(kept.id.size(), 32u);
    EXPECT_EQ(bits(event.score), bits(answer->scores[i]));
    EXPECT_EQ(event.predicted, answer->predicted[i]);
    EXPECT_EQ(event.version.number, 2);
    EXPECT_EQ(event.at, f.clock.now());
    EXPECT_FALSE(event.failed);
    ASSERT_EQ(kept.row.size(), second_model()->inputs().size());
    for (std::size_t c = 0; c < kept.row.size(); ++c)
      EXPECT_TRUE(kept.row[c].same_as(rows.find(second_model()->inputs()[c].name)->cell(i)));
  }
  EXPECT_EQ(f.sink.events[2].key[0].text, "ü");
  EXPECT_TRUE(f.sink.events[1].key[1].missing);
  EXPECT_LT(answer->ids[0], answer->ids[1]);
}

TEST(SharedSlot, readers_get_whole_values_and_never_an_older_one_again) {
  SharedSlot<const std::pair<int, int>> slot;
  EXPECT_EQ(slot.load(), nullptr);
  std::atomic<bool> over{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> readers;
  for (int t = 0; t < 4; ++t) {
    readers.emplace_back([&] {
      int last = 0;
      while (!over.load()) {
        const auto value = slot.load();
        if (value == nullptr) continue;
        if (value->first != value->second || value->first < last) ++wrong;
        last = value->first;
      }
    });
  }
  for (int i = 1; i <= 2000; ++i) slot.store(std::make_shared<const std::pair<int, int>>(i, i));
  over.store(true);
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong.load(), 0);
  EXPECT_EQ(slot.load()->first, 2000);
}

TEST(SharedSlot, what_was_replaced_is_freed_with_its_last_reader) {
  SharedSlot<const int> slot;
  auto first = std::make_shared<const int>(1);
  const std::weak_ptr<const int> watch = first;
  slot.store(first);
  first.reset();
  auto reader = slot.load();
  EXPECT_EQ(*slot.exchange(std::make_shared<const int>(2)), 1);
  EXPECT_FALSE(watch.expired());
  reader.reset();
  EXPECT_TRUE(watch.expired());
  slot.store(nullptr);
  EXPECT_EQ(slot.load(), nullptr);
}

TEST(InferenceService, a_row_of_cells_is_answered_and_reported_as_the_same_row_in_a_batch) {
  Service f;
  f.slot.swap(second_model());
  const Batch rows = flights(20, 9);
  const std::vector<Cell> key = {Cell::of_text("ü"), Cell::none(columns::Type::Date)};
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    const std::vector<Cell> cells = cells_of(*second_model(), rows, i);
    const auto reply = f.service.answer_row(*f.slot.live(), cells, key);
    ASSERT_TRUE(reply.has_value()) << reply.error().message();
    const auto answer = f.service.answer("", rows.slice(i, 1));
    ASSERT_TRUE(answer.has_value()) << answer.error().message();
    EXPECT_EQ(bits(reply->score), bits(answer->scores[0]));
    EXPECT_EQ(reply->predicted, answer->predicted[0]);
    EXPECT_LT(std::string(reply->id_text()), answer->ids[0]);
    const Kept& one = f.sink.events.at(2 * i);
    const Kept& other = f.sink.events.at(2 * i + 1);
    EXPECT_EQ(one.id, reply->id_text());
    EXPECT_EQ(one.key[0].text, "ü");
    EXPECT_EQ(bits(one.event.score), bits(other.event.score));
    for (std::size_t c = 0; c < one.row.size(); ++c) EXPECT_TRUE(one.row[c].same_as(other.row[c]));
  }
  EXPECT_EQ(f.slot.counts().at(0).rows, 40u);
}

TEST(InferenceService, a_row_that_the_model_cannot_answer_is_reported_as_failed) {
  Service f;
  f.slot.swap(second_model());
  const Batch rows = flights(1);  // the cells point into it
  std::vector<Cell> cells = cells_of(*second_model(), rows, 0);
  cells[1] = Cell::of_int64(7);  // carrier is a text
  EXPECT_FALSE(f.service.answer_row(*f.slot.live(), cells, {}).has_value());
  ASSERT_EQ(f.sink.events.size(), 1u);
  EXPECT_TRUE(f.sink.events[0].event.failed);
  EXPECT_EQ(f.slot.counts().at(0).failed, 1u);
}

TEST(InferenceService, a_row_is_answered_without_an_allocation) {
  Service f;
  InferenceService quiet(f.slot, nullptr, f.clock, f.random, f.admission);
  f.slot.swap(first_model());
  const Batch rows = flights(1);  // the cells point into it
  const std::vector<Cell> cells = cells_of(*first_model(), rows, 0);
  const auto live = f.slot.live();
  ASSERT_TRUE(quiet.answer_row(*live, cells, {}).has_value());
  allocations = 0;
  counting = true;
  const bool answered = quiet.answer_row(*live, cells, {}).has_value();
  counting = false;
  EXPECT_TRUE(answered);
  EXPECT_EQ(allocations, 0u);
}

TEST(InferenceService, a_model_with_a_sink_of_its_own_reports_there) {
  struct Own : PredictionSink {
    bool record(const PredictionEvent&) override { return ++count > 0; }
    int count = 0;
  };
  Service f;
  const auto own = std::make_shared<Own>();
  ServedModelParts parts;
  parts.package = testing::tiny_package(1);
  parts.name = first_model()->name();
  parts.version = first_model()->version();
  parts.key = first_model()->key();
  parts.sink = own;
  const auto model = ServedModel::create(std::move(parts));
  ASSERT_TRUE(model.has_value()) << model.error().message();
  f.slot.swap(*model);
  ASSERT_TRUE(f.service.answer("", flights(2)).has_value());
  EXPECT_EQ(own->count, 2);
  EXPECT_TRUE(f.sink.events.empty());
}

TEST(InferenceService, a_request_without_keys_is_reported_with_missing_ones) {
  Service f;
  f.slot.swap(second_model());
  ASSERT_TRUE(f.service.answer("", flights(1)).has_value());
  ASSERT_EQ(f.sink.events.at(0).key.size(), 2u);
  EXPECT_TRUE(f.sink.events[0].key[0].missing);
  EXPECT_EQ(f.sink.events[0].key[1].type, columns::Type::Date);
  const Batch two_keys(second_model()->key(), {Column::missing(columns::Type::Text, 2),
                                               Column::missing(columns::Type::Date, 2)});
  EXPECT_EQ(f.service.answer("", flights(1), two_keys).error().code(), ErrorCode::InvalidArgument);
}

TEST(InferenceService, a_failed_prediction_is_reported_as_such) {
  Service f;
  f.slot.swap(second_model());
  const Batch wrong = flights(2).with("carrier", Column::of_int64s({1, 2}));
  EXPECT_FALSE(f.service.answer("", wrong).has_value());
  ASSERT_EQ(f.sink.events.size(), 2u);
  EXPECT_TRUE(f.sink.events[0].event.failed);
  EXPECT_EQ(f.slot.counts().at(0).failed, 1u);
  EXPECT_EQ(f.admission.in_flight(), 0u);
}

TEST(InferenceService, a_full_sink_is_counted_and_changes_no_answer) {
  Service f;
  f.slot.swap(second_model());
  f.sink.full = true;
  EXPECT_TRUE(f.service.answer("", flights(2)).has_value());
  EXPECT_EQ(f.service.shed(), 2u);
}

TEST(InferenceService, the_same_seed_gives_the_same_ids_and_another_service_others) {
  Service a, b;
  a.slot.swap(first_model());
  b.slot.swap(first_model());
  const auto of_a = a.service.answer("", flights(2))->ids;
  EXPECT_EQ(of_a, b.service.answer("", flights(2))->ids);
  EXPECT_NE(of_a, a.service.answer("", flights(2))->ids);
  InferenceService other(a.slot, nullptr, a.clock, a.random, a.admission);
  EXPECT_NE(of_a, other.answer("", flights(2))->ids);
}

}  // namespace
}  // namespace martlet::deployment
