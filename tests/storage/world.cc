#include "storage/world.h"

namespace martlet::storage {

namespace {
constexpr std::int64_t kStart = 1'700'000'000'000'000;  // an ordinary moment, in microseconds
}

World::World(FileSystem& files, WorldOptions options)
    : options_(std::move(options)),
      buggy_files_(options_.bug == Bug::None ? nullptr : with_bug(files, options_.bug)),
      files_(buggy_files_ == nullptr ? &files : buggy_files_.get()), clock_(Timestamp{kStart}),
      random_(options_.seed), pool_({.threads = 1, .name = "storm"}) {}

Result<std::unique_ptr<World>> World::open(FileSystem& files, const WorldOptions& options) {
  std::unique_ptr<World> world(new World(files, options));
  const lifecycle::Host host{*world->files_, world->clock_, world->random_, Log::none(), world->pool_, "0", "storm"};
  MARTLET_TRY_SET(world->store_, lifecycle::Store::open(host, options.directory, options.when_missing));
  world->database_ = with_bug(world->store_->database(), options.bug);
  world->blobs_ =
      with_bug(world->store_->blobs(), *world->files_, join_path(options.directory, "blobs"), options.bug);
  world->tracker_ =
      std::make_unique<tracking::Tracker>(*world->database_, *world->blobs_, world->clock_, world->random_);
  world->registry_ = std::make_unique<registry::ModelRegistry>(*world->database_, *world->blobs_, world->clock_);
  world->truth_ = std::make_unique<monitoring::TruthStore>(*world->database_, "storm");
  return world;
}

Result<monitoring::PredictionLog*> World::predictions() {
  const std::lock_guard lock(predictions_mutex_);
  if (predictions_ == nullptr) {
    const columns::Schema schema({{"x", columns::Type::Double}, {"s", columns::Type::Text}});
    MARTLET_TRY_SET(predictions_, monitoring::PredictionLog::open(*files_, predictions_directory(), schema,
                                                                  std::to_string(options_.seed)));
  }
  return predictions_.get();
}

}  // namespace martlet::storage
