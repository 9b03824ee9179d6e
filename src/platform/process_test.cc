#include "platform/process.h"
#include "platform/real_clock.h"
#include "platform/real_file_system.h"

#include <gtest/gtest.h>

#include <csignal>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

namespace martlet::platform {
namespace {

using std::chrono::milliseconds;

ProcessOptions shell(const std::string& script) {
  ProcessOptions options;
  options.argv = {"/bin/sh", "-c", script};
  options.environment = {{"PATH", "/usr/bin:/bin"}};
  options.grace = milliseconds(200);
  return options;
}

Result<ProcessResult> run(const ProcessOptions& options) {
  return run_process(options, deadline_in(std::chrono::seconds(20)), CancelToken());
}

TEST(Process, streams_exit_code_and_input_come_through) {
  ProcessOptions options = shell("cat; echo problem >&2; exit 3");
  options.input = std::string(300'000, 'i');  // larger than a pipe holds
  const auto result = run(options);
  ASSERT_TRUE(result.has_value()) << result.error().message();
  EXPECT_EQ(result->out, *options.input);
  EXPECT_EQ(result->err, "problem\n");
  EXPECT_EQ(result->exit_code, 3);
  EXPECT_EQ(result->describe(), "exited with code 3");
  EXPECT_FALSE(result->succeeded());
  EXPECT_FALSE(result->truncated);
  EXPECT_GT(result->peak_resident_bytes, 0u);
}

TEST(Process, no_input_is_the_end_of_input) {
  const auto result = run(shell("cat; echo done"));
  EXPECT_EQ(result->out, "done\n");
  EXPECT_TRUE(result->succeeded());
}

TEST(Process, a_child_that_does_not_read_its_input_does_no_harm) {
  ProcessOptions options = shell("exec 0<&-; echo fine");
  options.input = std::string(1'000'000, 'i');
  EXPECT_EQ(run(options)->out, "fine\n");
}

TEST(Process, the_environment_is_exactly_what_was_given) {
  ProcessOptions options;
  options.argv = {"env"};
  options.environment = {{"PATH", "/usr/bin:/bin"}, {"A", "b c"}};
  EXPECT_EQ(run(options)->out, "PATH=/usr/bin:/bin\nA=b c\n");
}

TEST(Process, arguments_are_never_seen_by_a_shell) {
  ProcessOptions options;
  options.argv = {"echo", "$HOME; rm -rf *", "`id`"};
  EXPECT_EQ(run(options)->out, "$HOME; rm -rf * `id`\n");
}

TEST(Process, only_the_three_standard_descriptors_are_open_in_the_child) {
  const int leaky = ::open("/dev/null", O_RDONLY);  // without CLOEXEC, on purpose
  const auto result = run(shell("ls /proc/$$/fd"));
  ::close(leaky);
  EXPECT_EQ(result->out, "0\n1\n2\n");
}

TEST(Process, the_working_directory_is_entered) {
  ProcessOptions options = shell("pwd");
  options.working_directory = "/usr";
  EXPECT_EQ(run(options)->out, "/usr\n");
  options.working_directory = "/no/such/place";
  const auto failed = run(options);
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code(), ErrorCode::NotFound);
  EXPECT_NE(failed.error().message().find("/no/such/place"), std::string::npos);
}

TEST(Process, a_program_that_cannot_be_started_is_an_error_with_its_reason) {
  ProcessOptions options;
  options.argv = {"no-such-program-here"};
  EXPECT_EQ(run(options).error().code(), ErrorCode::NotFound);
  options.argv = {"/no/such/program"};
  EXPECT_EQ(run(options).error().code(), ErrorCode::NotFound);
  options.argv = {"/etc/passwd"};
  EXPECT_EQ(run(options).error().code(), ErrorCode::PermissionDenied);
  options.argv = {};
  options.environment = {{"A=B", "x"}};
  const auto refused = run(options);
  EXPECT_EQ(refused.error().code(), ErrorCode::InvalidArgument);
  EXPECT_EQ(refused.error().findings().size(), 2u);
}

TEST(Process, lines_are_reported_as_they_come_the_last_one_too) {
  ProcessOptions options = shell("printf 'a\\nb\\n\\nc'; printf 'e1\\ne2' >&2");
  std::vector<std::string> out;
  std::vector<std::string> err;
  options.on_line = [&](OutputStream stream, std::string_view line) {
    (stream == OutputStream::Out ? out : err).emplace_back(line);
  };
  ASSERT_TRUE(run(options).has_value());
  EXPECT_EQ(out, (std::vector<std::string>{"a", "b", "", "c"}));
  EXPECT_EQ(err, (std::vector<std::string>{"e1", "e2"}));
}

TEST(Process, too_much_output_keeps_its_beginning_and_its_end_and_says_so) {
  ProcessOptions options = shell("i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done");
  options.output_limit_bytes = 1000;
  std::string last;
  int lines = 0;
  options.on_line = [&](OutputStream, std::string_view line) {
    last = line;
    ++lines;
  };
  const auto result = run(options);
  EXPECT_TRUE(result->truncated);
  EXPECT_LT(result->out.size(), 1100u);
  EXPECT_TRUE(result->out.starts_with("line 0\nline 1\n"));
  EXPECT_TRUE(result->out.ends_with("line 2999\n"));
  EXPECT_NE(result->out.find("bytes left out"), std::string::npos);
  EXPECT_NE(last.find("limit"), std::string::npos);
  EXPECT_LT(lines, 200);
}

TEST(Process, the_time_limit_ends_the_whole_group_even_when_it_ignores_requests) {
  ProcessOptions options = shell("trap '' TERM; sleep 60 & echo $!; wait; sleep 60");
  options.time_limit = milliseconds(100);
  options.grace = milliseconds(50);
  const auto result = run(options);
  EXPECT_EQ(result->end, ProcessEnd::TimedOut);
  EXPECT_LT(result->elapsed, milliseconds(5000));
  EXPECT_NE(result->describe().find("time limit"), std::string::npos);
  const int grandchild = std::stoi(result->out);
  // Killed; the kernel may take a moment to carry it out, and a zombie may wait for whoever adopts
  // it, which is not ours to wait for.
  RealFileSystem files;
  std::string last_seen;
  const auto lives = [&] {
    const auto state = files.open_for_reading("/proc/" + std::to_string(grandchild) + "/stat");
    const auto text = state.has_value() ? (*state)->read_at(0, 200) : Result<std::string>("");
    last_seen = text.value_or("");
    return !last_seen.empty() && last_seen.find(") Z") == std::string::npos &&
           last_seen.find(") X") == std::string::npos;
  };
  for (int i = 0; i < 500 && lives(); ++i)
    (void)pause_until(deadline_in(milliseconds(10)), CancelToken());
  EXPECT_FALSE(lives()) << last_seen;
}

TEST(Process, a_polite_child_may_clean_up_at_its_time_limit) {
  ProcessOptions options = shell("trap 'echo cleaned; exit 7' TERM; while :; do sleep 0.01; done");
  options.time_limit = milliseconds(150);
  options.grace = milliseconds(5000);
  const auto result = run(options);
  EXPECT_EQ(result->end, ProcessEnd::TimedOut);
  EXPECT_EQ(result->exit_code, 7);
  EXPECT_EQ(result->out, "cleaned\n");
}

TEST(Process, a_cancelled_token_ends_it) {
  CancelToken cancel;
  ProcessOptions options = shell("echo ready; sleep 60");
  options.on_line = [&](OutputStream, std::string_view) { cancel.cancel(); };
  const auto result = run_process(options, Deadline::none(), cancel);
  EXPECT_EQ(result->end, ProcessEnd::Cancelled);
  EXPECT_EQ(result->signal, SIGTERM);
}

TEST(Process, what_it_leaves_behind_is_killed_and_does_not_hold_the_result_up) {
  const auto result = run(shell("sleep 60 & echo gone"));
  EXPECT_TRUE(result->succeeded());
  EXPECT_EQ(result->out, "gone\n");
  EXPECT_LT(result->elapsed, milliseconds(5000));
}

TEST(Process, death_by_signal_is_told_and_a_kill_from_outside_smells_of_memory) {
  const auto segv = run(shell("kill -SEGV $$"));
  EXPECT_EQ(segv->end, ProcessEnd::Signalled);
  EXPECT_EQ(segv->signal, SIGSEGV);
  EXPECT_EQ(segv->exit_code, 128 + SIGSEGV);
  EXPECT_FALSE(segv->likely_out_of_memory);
  EXPECT_TRUE(run(shell("kill -KILL $$"))->likely_out_of_memory);
  EXPECT_TRUE(run(shell("echo MemoryError >&2; exit 1"))->likely_out_of_memory);
}

TEST(Process, the_limits_on_memory_and_cpu_reach_the_child) {
  ProcessOptions options = shell("ulimit -v; ulimit -t; ulimit -c");
  options.memory_bytes = std::uint64_t{1} << 30;
  options.cpu_limit = std::chrono::seconds(9);
  EXPECT_EQ(run(options)->out, "1048576\n9\n0\n");
}

TEST(Process, a_child_gives_way_and_its_children_with_it) {
  ProcessOptions options =
      shell("sh -c 'cut -d\" \" -f19 /proc/self/stat; cat /proc/self/oom_score_adj; "
            "grep Cpus_allowed_list /proc/self/status'");
  options.niceness = 10;
  options.processors = 1;
  options.first_to_die = true;
  const auto result = run(options);
  ASSERT_TRUE(result.has_value()) << result.error().message();
  EXPECT_TRUE(result->out.starts_with("10\n800\n")) << result->out;
  // One processor: neither a list nor a range.
  EXPECT_EQ(result->out.find_first_of(",-"), std::string::npos) << result->out;
  options.niceness = 20;
  EXPECT_FALSE(run(options).has_value());
}

TEST(Process, a_conversation_line_by_line) {
  auto child = Process::start(shell("while read -r x; do echo got $x; done; echo end; exit 5"));
  ASSERT_TRUE(child.has_value()) << child.error().message();
  const Deadline soon = deadline_in(std::chrono::seconds(10));
  const CancelToken cancel;
  for (const std::string word : {"one", "two"}) {
    ASSERT_TRUE((*child)->write(word + "\n", soon, cancel).has_value());
    EXPECT_EQ(**(*child)->read_line(soon, cancel), "got " + word);
  }
  const auto late = (*child)->read_line(deadline_in(milliseconds(30)), cancel);
  EXPECT_EQ(late.error().code(), ErrorCode::DeadlineExceeded);
  (*child)->close_input();
  EXPECT_EQ(**(*child)->read_line(soon, cancel), "end");
  EXPECT_FALSE((*child)->read_line(soon, cancel)->has_value());
  EXPECT_EQ((*child)->wait(soon, cancel)->exit_code, 5);
  EXPECT_FALSE((*child)->write("x", soon, cancel).has_value());
}

TEST(Process, a_line_beyond_the_limit_is_refused_while_reading) {
  ProcessOptions options = shell("head -c 100000 /dev/zero | tr '\\0' x; sleep 60");
  options.output_limit_bytes = 1000;
  auto child = Process::start(options);
  const auto line = (*child)->read_line(deadline_in(std::chrono::seconds(10)), CancelToken());
  ASSERT_FALSE(line.has_value());
  EXPECT_EQ(line.error().code(), ErrorCode::ResourceExhausted);
  const auto result = (*child)->terminate();
  EXPECT_EQ(result->end, ProcessEnd::Cancelled);
}

TEST(Process, a_forgotten_child_dies_with_its_handle) {
  int pid = 0;
  {
    auto child = Process::start(shell("sleep 60"));
    pid = (*child)->pid();
  }
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST(Process, many_may_run_at_once) {
  std::vector<std::thread> threads;
  std::array<std::string, 4> outputs;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    threads.emplace_back([&outputs, i] {
      for (int round = 0; round < 5; ++round)
        outputs[i] += run(shell("echo " + std::to_string(i)))->out;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(outputs[3], "3\n3\n3\n3\n3\n");
}

TEST(Process, the_running_program_knows_its_path) {
  EXPECT_NE(self_executable()->find("platform_test"), std::string::npos);
}

}  // namespace
}  // namespace martlet::platform
