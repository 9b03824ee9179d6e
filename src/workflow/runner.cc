#include "workflow/runner.h"

#include "artifacts/blob_store.h"
#include "base/text.h"
#include "metadata/database.h"
#include "workflow/step_key.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <set>
#include <thread>

namespace martlet::workflow {

namespace {

Result<void> change(StepRecord& step, StepStatus to) {
  MARTLET_CHECK(may_become(step.step_status(), to), "a step's status can't change like that");
  step.status = static_cast<std::int64_t>(to);
  return {};
}

}  // namespace

// One run while this process drives it. The driving thread plans and commits; workers only run step
// functions.
class Runner::Drive {
 public:
  Drive(const Environment& environment, const RunOptions& options, PipelineRunRecord run,
        Pipeline pipeline, std::vector<StepRecord> steps)
      : environment_(environment), options_(options), run_(std::move(run)),
        pipeline_(std::move(pipeline)), steps_(std::move(steps)),
        dependencies_(dependencies_of(pipeline_)) {
    for (std::size_t i = 0; i < pipeline_.steps.size(); ++i) index_[pipeline_.steps[i].name] = i;
    mark_forced();
  }

  Result<RunOutcome> drive() {
    std::vector<std::thread> workers;
    const int count = std::max(1, std::min<int>(options_.workers, static_cast<int>(steps_.size())));
    workers.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) workers.emplace_back([this] { work(); });
    auto planned = plan_until_done();
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    wake_.notify_all();
    for (std::thread& worker : workers) worker.join();
    MARTLET_TRY(std::move(planned));
    MARTLET_TRY(finish());
    return RunOutcome{run_, steps_};
  }

 private:
  struct Job {
    std::size_t step;
    StepRecord record;
    std::map<std::string, Json> inputs;
    Json ingredients;
  };
  struct Done {
    Job job;
    Result<Json> outputs;
    double seconds;
  };

  void mark_forced() {
    forced_.assign(steps_.size(), false);
    for (const std::string& name : options_.from) {
      if (const auto found = index_.find(name); found != index_.end())
        forced_[found->second] = true;
    }
    for (std::size_t round = 0; round < steps_.size(); ++round) {
      for (std::size_t i = 0; i < steps_.size(); ++i) {
        for (const std::size_t needed : dependencies_[i]) {
          if (forced_[needed]) forced_[i] = true;
        }
      }
    }
  }

  Result<void> plan_until_done() {
    for (;;) {
      MARTLET_TRY(settle());
      std::unique_lock lock(mutex_);
      if (running_ == 0 && queue_.empty()) {
        lock.unlock();
        if (!anything_ready()) return {};
        continue;
      }
      done_signal_.wait(lock, [this] { return !done_.empty(); });
      std::deque<Done> finished;
      finished.swap(done_);
      running_ -= finished.size();
      lock.unlock();
      for (Done& done : finished) MARTLET_TRY(record(std::move(done)));
    }
  }

  bool ready(std::size_t i) const {
    return steps_[i].step_status() == StepStatus::Waiting && !started_.contains(i) &&
           std::all_of(dependencies_[i].begin(), dependencies_[i].end(), [&](std::size_t needed) {
             return gave_outputs(steps_[needed].step_status());
           });
  }
  bool blocked(std::size_t i) const {
    return steps_[i].step_status() == StepStatus::Waiting &&
           std::any_of(dependencies_[i].begin(), dependencies_[i].end(), [&](std::size_t needed) {
             const StepStatus status = steps_[needed].step_status();
             return is_finished(status) && !gave_outputs(status);
           });
  }
  bool nothing_runs() {
    const std::lock_guard lock(mutex_);
    return running_ == 0 && queue_.empty();
  }
  bool anything_ready() const {
    if (options_.cancel.cancelled()) return false;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      if (ready(i) || blocked(i)) return true;
    }
    return false;
  }

  // Decides all that can be decided now, in one commit: hits, skips, and which steps start. Then
  // hands the starting ones to the workers.
  Result<void> settle() {
    std::vector<std::size_t> changed;
    std::vector<Job> starting;
    MARTLET_TRY(
        environment_.database.read([&](const metadata::ReadTransaction& tx) -> Result<void> {
          for (bool progress = true; progress && !options_.cancel.cancelled();) {
            progress = false;
            for (std::size_t i = 0; i < steps_.size(); ++i) {
              if (blocked(i)) {
                MARTLET_TRY(skip(i));
                changed.push_back(i);
                progress = true;
              } else if (ready(i)) {
                MARTLET_TRY_SET(std::optional<Job> job, hit_or_job(tx, i));
                changed.push_back(i);
                progress = true;
                if (job.has_value()) {
                  started_.insert(i);
                  starting.push_back(std::move(*job));
                }
              }
            }
          }
          return {};
        }));
    if (changed.empty()) return {};
    if (starting.empty() && nothing_runs() && !anything_ready()) {
      // The run's end, which comes next, commits these with it.
      unsaved_ = std::move(changed);
      return {};
    }
    MARTLET_TRY(commit(changed, nullptr));
    for (const std::size_t i : changed) tell(steps_[i]);
    {
      const std::lock_guard lock(mutex_);
      running_ += starting.size();
      for (Job& job : starting) {
        job.record = steps_[job.step];
        queue_.push_back(std::move(job));
      }
    }
    wake_.notify_all();
    return {};
  }

  Result<void> skip(std::size_t i) {
    MARTLET_TRY(change(steps_[i], StepStatus::Skipped));
    steps_[i].ended = environment_.clock.now();
    std::vector<std::string> causes;
    for (const std::size_t needed : dependencies_[i]) {
      if (!gave_outputs(steps_[needed].step_status()) && is_finished(steps_[needed].step_status()))
        causes.push_back(steps_[needed].name);
    }
    steps_[i].explanation = "skipped: " + join(causes, ", ") + " gave no outputs";
    return {};
  }

  // Marks the step as a hit, or as running and returns its job.
  Result<std::optional<Job>> hit_or_job(const metadata::ReadTransaction& tx, std::size_t i) {
    const Step& step = pipeline_.steps[i];
    StepRecord& record = steps_[i];
    Job job{i, {}, {}, {}};
    for (const auto& [name, reference] : step.inputs) {
      const StepRecord& source = steps_[index_.at(reference.step)];
      const auto found = source.outputs.find(reference.output);
      if (found == source.outputs.end()) {
        return invalid_argument("step " + step.name + " takes \"" + reference.output + "\" from " +
                                reference.step + ", which gave no such output");
      }
      job.inputs[name] = *found;
    }
    const Component& component = environment_.components.at(step.component);
    job.ingredients =
        step_ingredients(component, environment_.code_version, step.parameters, job.inputs);
    record.key = digest_of(job.ingredients).text();
    if (step.cache == CachePolicy::Never) {
      record.explanation = "computed: the step is not cached";
    } else if (forced_[i] || options_.cache == CacheUse::WriteOnly) {
      record.explanation = "computed: asked to";
    } else {
      MARTLET_TRY_SET(const std::optional<StepCacheRecord> cached,
                      tx.get<StepCacheRecord>(record.key));
      if (cached.has_value() && blobs_exist(cached->outputs)) {
        MARTLET_TRY(change(record, StepStatus::Cached));
        record.outputs = cached->outputs;
        record.started = record.ended = environment_.clock.now();
        record.seconds = 0;
        record.explanation = "a hit: computed in run " + cached->run.text();
        return std::optional<Job>();
      }
      MARTLET_TRY_SET(record.explanation,
                      explain_miss(tx, step, job.ingredients, cached.has_value()));
    }
    MARTLET_TRY(change(record, StepStatus::Running));
    record.attempt += 1;
    record.started = environment_.clock.now();
    record.error.clear();
    return std::optional<Job>(std::move(job));
  }

  Result<std::string> explain_miss(const metadata::ReadTransaction& tx, const Step& step,
                                   const Json& ingredients, bool blobs_gone) const {
    if (blobs_gone) return std::string("computed: its earlier outputs are no longer in the store");
    MARTLET_TRY_SET(
        const auto last,
        tx.first<StepCacheRecord>(metadata::Query(metadata::equal("component", step.component))
                                      .order_by("created", metadata::Order::Descending)));
    if (!last.has_value()) return std::string("computed: for the first time");
    return "computed: " + describe_difference(last->ingredients, ingredients);
  }

  // A hit counts only while every blob that its outputs refer to is there.
  bool blobs_exist(const Json& outputs) const {
    if (outputs.is_string()) {
      const auto& text = outputs.get_ref<const std::string&>();
      if (!text.starts_with("sha256:")) return true;
      const auto digest = Digest::parse(text);
      if (!digest.has_value()) return true;
      const auto exists = environment_.blobs.exists(*digest);
      return exists.has_value() && *exists;
    }
    if (!outputs.is_structured()) return true;
    return std::all_of(outputs.begin(), outputs.end(),
                       [&](const Json& inner) { return blobs_exist(inner); });
  }

  // Commits the steps' records, if this process still drives the run.
  Result<void> commit(const std::vector<std::size_t>& changed, const StepCacheRecord* cache) {
    return environment_.database.write([&](metadata::Transaction& tx) -> Result<void> {
      MARTLET_TRY_SET(const PipelineRunRecord current,
                      tx.require<PipelineRunRecord>("run", run_.id));
      if (current.fence != run_.fence) {
        return conflict("run " + run_.id.text() + " was taken over by " + current.owner +
                        "; this process no longer drives it");
      }
      for (const std::size_t i : changed) MARTLET_TRY(tx.update(steps_[i]));
      return cache == nullptr ? Result<void>{} : tx.put(*cache);
    });
  }

  Result<void> record(Done done) {
    const std::size_t i = done.job.step;
    started_.erase(i);
    StepRecord& step = steps_[i];
    step.ended = environment_.clock.now();
    step.seconds = done.seconds;
    std::optional<StepCacheRecord> cache;
    if (done.outputs.has_value()) {
      MARTLET_TRY(change(step, StepStatus::Succeeded));
      step.outputs = std::move(*done.outputs);
      cache = StepCacheRecord{step.key,     step.component, std::move(done.job.ingredients),
                              step.outputs, run_.id,        step.name,
                              *step.ended};
    } else {
      step.error = done.outputs.error().message();
      const bool cancelled =
          options_.cancel.cancelled() || done.outputs.error().code() == ErrorCode::Cancelled;
      const bool again = !cancelled && step.attempt < pipeline_.steps[i].max_attempts;
      MARTLET_TRY(change(step, cancelled ? StepStatus::Cancelled
                               : again   ? StepStatus::Waiting
                                         : StepStatus::Failed));
    }
    MARTLET_TRY(commit({i}, cache.has_value() ? &*cache : nullptr));
    tell(step);
    return {};
  }

  Result<void> finish() {
    bool failed = false;
    std::vector<std::size_t> changed = unsaved_;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      if (steps_[i].step_status() == StepStatus::Waiting) {
        MARTLET_TRY(change(steps_[i], StepStatus::Cancelled));
        changed.push_back(i);
      }
      if (steps_[i].step_status() == StepStatus::Failed) {
        if (run_.error.empty()) run_.error = "step " + steps_[i].name + ": " + steps_[i].error;
        failed = true;
      }
    }
    const bool complete = std::all_of(steps_.begin(), steps_.end(), [](const StepRecord& step) {
      return gave_outputs(step.step_status());
    });
    run_.status = static_cast<std::int64_t>(complete ? RunStatus::Succeeded
                                            : failed ? RunStatus::Failed
                                                     : RunStatus::Cancelled);
    run_.ended = environment_.clock.now();
    run_.owner.clear();
    MARTLET_TRY(environment_.database.write([&](metadata::Transaction& tx) -> Result<void> {
      for (const std::size_t i : changed) MARTLET_TRY(tx.update(steps_[i]));
      return tx.compare_and_set(run_, metadata::equal("fence", run_.fence));
    }));
    for (const std::size_t i : unsaved_) tell(steps_[i]);
    return {};
  }

  void tell(const StepRecord& step) const {
    if (options_.on_step) options_.on_step(step);
  }

  void work() {
    for (;;) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return closing_ || !queue_.empty(); });
      if (queue_.empty()) return;
      Job job = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      const auto began = environment_.clock.monotonic();
      Result<Json> outputs = call(job);
      const double seconds =
          std::chrono::duration<double>(environment_.clock.monotonic() - began).count();
      lock.lock();
      done_.push_back({std::move(job), std::move(outputs), seconds});
      lock.unlock();
      done_signal_.notify_one();
    }
  }

  Result<Json> call(const Job& job) {
    if (options_.cancel.cancelled()) return fail(ErrorCode::Cancelled, "the run was cancelled");
    const Step& step = pipeline_.steps[job.step];
    std::unique_ptr<File> log_file = open_log(step.name);
    std::mutex log_mutex;  // guards log_file
    const StepContext context{run_.id,
                              step.name,
                              static_cast<int>(job.record.attempt),
                              step.parameters,
                              job.inputs,
                              options_.cancel,
                              [&](std::string_view line) {
                                const std::lock_guard lock(log_mutex);
                                // A log line that can't be written must not fail the step.
                                if (log_file != nullptr)
                                  (void)log_file->append(to_text(environment_.clock.now()) + " " +
                                                         std::string(line) + "\n");
                                if (options_.on_line) options_.on_line(step.name, line);
                              }};
    Result<Json> outputs = internal_error("the step gave nothing");
    try {  // the last resort of a worker thread: one step fails, not the process
      outputs = environment_.components.at(step.component).run(context);
    } catch (const std::exception& error) {
      outputs = internal_error(std::string("an exception ended the step: ") + error.what());
    }
    if (outputs.has_value() && !outputs->is_object())
      outputs = internal_error("component " + step.component + " gave no object of outputs");
    if (!outputs.has_value()) context.log("failed: " + outputs.error().message());
    return outputs;
  }

  std::unique_ptr<File> open_log(const std::string& step) {
    const std::string directory = join_path(environment_.logs_directory, run_.id.text());
    if (!environment_.files.create_directories(directory).has_value()) return nullptr;
    auto file = environment_.files.open_for_appending(join_path(directory, step + ".log"));
    return file.has_value() ? std::move(*file) : nullptr;
  }

  const Environment& environment_;
  const RunOptions& options_;
  PipelineRunRecord run_;
  Pipeline pipeline_;
  std::vector<StepRecord> steps_;
  std::vector<std::vector<std::size_t>> dependencies_;
  std::map<std::string, std::size_t> index_;
  std::vector<bool> forced_;
  std::vector<std::size_t> unsaved_;  // settled last; the run's end commits them
  std::set<std::size_t> started_;     // handed to the workers; only the driving thread touches it

  std::mutex mutex_;  // guards the rest
  std::condition_variable wake_;
  std::condition_variable done_signal_;
  std::deque<Job> queue_;
  std::deque<Done> done_;
  std::size_t running_ = 0;
  bool closing_ = false;
};

Result<RunOutcome> Runner::run(const Pipeline& pipeline, const Json& parameters,
                               const RunOptions& options) {
  std::vector<Finding> findings = check(pipeline);
  std::vector<std::string> known;
  for (const auto& [name, component] : environment_.components) known.push_back(name);
  for (const Step& step : pipeline.steps) {
    if (environment_.components.contains(step.component)) continue;
    findings.push_back(
        {"pipelines." + pipeline.name + ".steps." + step.name + ".uses", "unknown_component",
         "no component is called \"" + step.component + "\"" + did_you_mean(step.component, known),
         "", 0, 0});
  }
  if (!findings.empty()) return invalid("checking pipeline " + pipeline.name, std::move(findings));
  for (const std::string& name : options.from)
    MARTLET_TRY(only_what_is_needed_for(pipeline, {name}));

  PipelineRunRecord run;
  run.id = RunId(new_id(environment_.clock, environment_.random));
  run.pipeline = pipeline.name;
  run.definition = to_json(pipeline);
  run.parameters = parameters;
  run.owner = environment_.process;
  run.fence = 1;
  run.created = environment_.clock.now();
  std::vector<StepRecord> steps;
  for (const Step& step : pipeline.steps) {
    StepRecord record;
    record.run = run.id;
    record.name = step.name;
    record.position = static_cast<std::int64_t>(steps.size());
    record.component = step.component;
    record.outputs = Json::object();
    steps.push_back(std::move(record));
  }
  MARTLET_TRY(environment_.database.write([&](metadata::Transaction& tx) -> Result<void> {
    MARTLET_TRY(tx.insert(run));
    for (const StepRecord& step : steps) MARTLET_TRY(tx.insert(step));
    return {};
  }));
  Drive drive(environment_, options, std::move(run), pipeline, std::move(steps));
  return drive.drive();
}

Result<RunOutcome> Runner::resume(const RunId& id, const RunOptions& options) {
  PipelineRunRecord run;
  std::vector<StepRecord> steps;
  MARTLET_TRY(environment_.database.write([&](metadata::Transaction& tx) -> Result<void> {
    MARTLET_TRY_SET(run, tx.require<PipelineRunRecord>("run", id));
    if (!run.owner.empty() && run.owner != environment_.process &&
        environment_.is_alive(run.owner)) {
      return conflict("run " + id.text() + " is being driven by " + run.owner +
                      "; wait for it, or end that process");
    }
    MARTLET_TRY_SET(steps, tx.select<StepRecord>(
                               metadata::Query(metadata::equal("run", id)).order_by("position")));
    if (run.run_status() == RunStatus::Succeeded) return {};
    run.owner = environment_.process;
    run.fence += 1;
    run.status = static_cast<std::int64_t>(RunStatus::Running);
    run.ended.reset();
    run.error.clear();
    MARTLET_TRY(tx.update(run));
    for (StepRecord& step : steps) {
      if (gave_outputs(step.step_status()) || step.step_status() == StepStatus::Waiting) continue;
      MARTLET_TRY(change(step, StepStatus::Waiting));
      MARTLET_TRY(tx.update(step));
    }
    return {};
  }));
  if (run.run_status() == RunStatus::Succeeded) return RunOutcome{std::move(run), std::move(steps)};
  MARTLET_TRY_SET(Pipeline pipeline, pipeline_from_json(run.definition));
  for (const Step& step : pipeline.steps) {
    if (!environment_.components.contains(step.component)) {
      return conflict("run " + id.text() + " uses component " + step.component +
                      ", which this version of martlet lacks; start a new run");
    }
  }
  Drive drive(environment_, options, std::move(run), std::move(pipeline), std::move(steps));
  return drive.drive();
}

Result<RunOutcome> Runner::look(const RunId& id) const {
  return environment_.database.read([&](const metadata::ReadTransaction& tx) -> Result<RunOutcome> {
    RunOutcome outcome;
    MARTLET_TRY_SET(outcome.run, tx.require<PipelineRunRecord>("run", id));
    MARTLET_TRY_SET(
        outcome.steps,
        tx.select<StepRecord>(metadata::Query(metadata::equal("run", id)).order_by("position")));
    return outcome;
  });
}

Result<std::vector<PipelineRunRecord>> Runner::list(std::int64_t limit) const {
  return environment_.database.read([&](const metadata::ReadTransaction& tx) {
    return tx.select<PipelineRunRecord>(
        metadata::Query().order_by("created", metadata::Order::Descending).limit(limit));
  });
}

Result<std::string> Runner::log_of(const RunId& run, const std::string& step) const {
  MARTLET_TRY_SET(const RunOutcome outcome, look(run));
  std::vector<std::string> names;
  for (const StepRecord& record : outcome.steps) names.push_back(record.name);
  if (std::find(names.begin(), names.end(), step) == names.end()) {
    return not_found("run " + run.text() + " has no step \"" + step + "\"" +
                     did_you_mean(step, names));
  }
  auto text = environment_.files.read_file(
      join_path(join_path(environment_.logs_directory, run.text()), step + ".log"));
  if (!text.has_value() && text.error().code() == ErrorCode::NotFound) return std::string();
  return text;
}

}  // namespace martlet::workflow
