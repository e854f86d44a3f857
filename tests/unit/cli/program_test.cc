// SPDX-License-Identifier: BSD-3-Clause
// The commands from argv to exit status, with a fake engine below them.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/control_socket.h"
#include "cli/exit_status.h"
#include "cli/names.h"
#include "fake_engine.h"

namespace sluice::cli {
namespace {

constexpr const char* kConfig = R"([dpdk]
instance = "edge"
[log]
level = "off"
[[port]]
name = "front"
device = "net_tap0"
addresses = ["10.77.0.1/24"]
[[service]]
name = "web"
listen = ["10.77.0.1:80"]
app = "http"
[[service]]
name = "echo"
listen = ["10.77.0.1:7"]
app = "echo"
)";

class Program : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/sluice-cli-XXXXXX";
    directory_ = ::mkdtemp(name);
    file_ = directory_ + "/a.toml";
    std::ofstream(file_) << kConfig;
    fake_engine() = FakeEngine{};
    fake_engine().while_running = [] { ::raise(SIGTERM); };
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  struct Outcome {
    int status;
    std::string out, err;
  };
  template <typename Run>
  static Outcome captured(Run run) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int status = run();
    return {status, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
  }
  Outcome serve(std::vector<std::string> sets = {}, bool check = false) const {
    return captured([&] { return run_serve({file_, check, sets}, directory_); });
  }
  static Outcome program(std::vector<std::string> arguments) {
    std::vector<const char*> argv = {"sluice"};
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    return captured([&] { return run_program(static_cast<int>(argv.size()), argv.data()); });
  }

  std::string directory_, file_;
};

TEST_F(Program, ServePrintsReadyAndDrainsOnSigterm) {
  const Outcome outcome = serve();
  EXPECT_EQ(outcome.status, kExitDone);
  EXPECT_EQ(outcome.out, "sluice: ready\n");
  EXPECT_EQ(outcome.err, "");
  EXPECT_TRUE(fake_engine().stopped);
  EXPECT_EQ(fake_engine().services, (std::vector<std::string>{"web", "echo"}));
}

TEST_F(Program, ServeDrainsOnSigint) {
  fake_engine().while_running = [] { ::raise(SIGINT); };
  EXPECT_EQ(serve().status, kExitDone);
}

TEST_F(Program, ASecondSignalDoesNotBreakTheDrain) {
  bool drained = false;
  fake_engine().while_running = [&] {
    ::raise(SIGTERM);
    ::raise(SIGTERM);
    ::raise(SIGINT);
    drained = true;
  };
  EXPECT_EQ(serve().status, kExitDone);
  EXPECT_TRUE(drained);
}

TEST_F(Program, ServeOutlivesAClosedTerminal) {
  fake_engine().while_running = [] {
    ::raise(SIGHUP);
    ::raise(SIGPIPE);
    ::raise(SIGTERM);
  };
  EXPECT_EQ(serve().status, kExitDone);
}

TEST_F(Program, ASignalDuringStartIsNotLost) {
  fake_engine().while_created = [] { ::raise(SIGTERM); };
  fake_engine().while_running = nullptr;
  EXPECT_EQ(serve().status, kExitDone);
}

TEST_F(Program, ServeAnswersOnItsControlSocketWhileItRuns) {
  const std::string path = control_socket_path("edge", directory_);
  bool answered = false;
  fake_engine().while_running = [&] {
    answered = ask_instance(path, "stats").ok() && ask_instance(path, "conns").ok();
    ::raise(SIGTERM);
  };
  EXPECT_EQ(serve().status, kExitDone);
  EXPECT_TRUE(answered);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(Program, ServeRefusesTheNameOfARunningInstance) {
  const auto other = ControlServer::create(control_socket_path("edge", directory_));
  ASSERT_TRUE(other.ok());
  const Outcome outcome = serve();
  EXPECT_EQ(outcome.status, kExitFailed);
  EXPECT_NE(outcome.err.find("is running; stop it, or give this one another dpdk.instance"), std::string::npos);
}

TEST_F(Program, ASeedIsToldLoudlyEvenWithoutALog) {
  const Outcome outcome = serve({"tcp.seed=42"});
  EXPECT_EQ(outcome.status, kExitDone);
  EXPECT_NE(outcome.err.find("WARNING: tcp.seed = 42"), std::string::npos) << outcome.err;
}

TEST_F(Program, TheLogGoesToStderr) {
  const Outcome outcome = serve({"log.level=info"});
  EXPECT_EQ(outcome.out, "sluice: ready\n");
  EXPECT_NE(outcome.err.find("info: ready: 1 ports, 2 services"), std::string::npos) << outcome.err;
}

TEST_F(Program, SetReachesTheEngine) {
  EXPECT_EQ(serve({"port.front.mtu=9000"}).status, kExitDone);
  EXPECT_EQ(fake_engine().config.ports.at(0).mtu, 9000);
}

TEST_F(Program, FailureAtWorkExitsWithOneAndABadConfigurationWithTwo) {
  fake_engine().create_error = Error{Errc::kNoDevice, "port.front.device: no such device"};
  Outcome outcome = serve();
  EXPECT_EQ(outcome.status, kExitFailed);
  EXPECT_EQ(outcome.err, "sluice: port.front.device: no such device\n");
  EXPECT_EQ(outcome.out, "");
  fake_engine().create_error = Error{Errc::kInvalid, "port.front.rss: the device cannot hash"};
  EXPECT_EQ(serve().status, kExitUsage);
  fake_engine().create_error.reset();
  fake_engine().add_error = Error{Errc::kNoMemory, "no room"};
  EXPECT_EQ(serve().status, kExitFailed);
  fake_engine().add_error.reset();
  fake_engine().run_error = Error{Errc::kIo, "device lost"};
  EXPECT_EQ(serve().status, kExitFailed);
}

TEST_F(Program, AServiceThatCannotBeMadeIsABadConfiguration) {
  const std::string message = "service.web.file: cannot be read (/x); give a readable file";
  fake_engine().factory_error = Error{Errc::kInvalid, message};
  std::ofstream(file_, std::ios::app) << "[[service]]\nname = \"other\"\nlisten = [\"10.77.0.1:81\"]\napp = \"http\"\n";
  Outcome outcome = serve({"service.web.file=/x"}, true);
  EXPECT_EQ(outcome.status, kExitUsage);
  EXPECT_EQ(outcome.err.substr(0, outcome.err.find('\n')), "--set 1: " + message);
  fake_engine().factory_error = Error{Errc::kInvalid, "service.last.file: cannot be read (/x); give a readable file"};
  std::ofstream(file_, std::ios::app) << "[[service]]\nname = \"last\"\nlisten = [\"10.77.0.1:82\"]\napp = \"http\"\nfile = \"/x\"\n";
  outcome = serve({}, true);
  EXPECT_EQ(outcome.status, kExitUsage);
  EXPECT_EQ(outcome.err.substr(0, outcome.err.find('\n')), file_ + ":25:8: " + fake_engine().factory_error->message);
}

TEST_F(Program, AServiceThatCannotStartIsOneLineAndExitsWithOne) {
  fake_engine().factory_throws = "/x/remote.sock: Permission denied";
  const Outcome outcome = serve();
  EXPECT_EQ(outcome.status, kExitFailed);
  EXPECT_EQ(outcome.err, "sluice: service.web: /x/remote.sock: Permission denied\n");
  EXPECT_EQ(outcome.out, "");
}

TEST_F(Program, AClosedStandardDescriptorIsNotLeftToTheNextFile) {
  testing::internal::CaptureStderr();
  const int kept = ::dup(STDIN_FILENO);
  ::close(STDIN_FILENO);
  const char* const argv[] = {"sluice", "serve", "-c", file_.c_str()};
  fake_engine().while_created = [] {
    struct stat now {};
    EXPECT_EQ(::fstat(STDIN_FILENO, &now), 0);
    EXPECT_TRUE(S_ISCHR(now.st_mode)) << "descriptor 0 is a file or socket of ours";
  };
  fake_engine().create_error = Error{Errc::kNoDevice, "enough seen"};
  EXPECT_EQ(run_program(4, argv), kExitFailed);
  testing::internal::GetCapturedStderr();
  if (kept >= 0) {
    ::dup2(kept, STDIN_FILENO);
    ::close(kept);
  }
}

TEST_F(Program, ServeMayOpenAsManyFilesAsTheAdministratorAllows) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{std::min<rlim_t>(before.rlim_max, 256), before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  rlimit seen{};
  fake_engine().while_created = [&] { ::getrlimit(RLIMIT_NOFILE, &seen); };
  EXPECT_EQ(serve().status, kExitDone);
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(seen.rlim_cur, before.rlim_max);
}

TEST_F(Program, CheckStartsNothing) {
  const Outcome outcome = program({"serve", "-c", file_, "--check"});
  EXPECT_EQ(outcome.status, kExitDone);
  EXPECT_EQ(outcome.out, "sluice: " + file_ + " is good\n");
  EXPECT_TRUE(fake_engine().config.ports.empty());
}

TEST_F(Program, EveryBrokenConfigurationExitsWithTwoAndStartsNothing) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(CLI_TEST_DIR "/broken")) {
    if (entry.path().filename().string().starts_with("set_")) continue;
    ++files;
    const Outcome outcome = program({"serve", "-c", entry.path().string()});
    EXPECT_EQ(outcome.status, kExitUsage) << entry.path();
    EXPECT_EQ(outcome.out, "") << entry.path();
    EXPECT_TRUE(outcome.err.starts_with(entry.path().string() + ":")) << outcome.err;
  }
  EXPECT_GE(files, 100);
  EXPECT_TRUE(fake_engine().config.ports.empty());
}

TEST_F(Program, ABadSetExitsWithTwo) {
  const Outcome outcome = program({"serve", "-c", file_, "--set", "tcp.msl_ms=0"});
  EXPECT_EQ(outcome.status, kExitUsage);
  EXPECT_EQ(outcome.err, "--set 1: tcp.msl_ms: out of range (0); write a whole number from 1 to 3600000\n");
}

TEST_F(Program, ReplayGetsItsConfigurationAndSeed) {
  fake_engine().replay_status = 1;
  const Outcome outcome = program({"replay", "--in", "i", "--out", "o", "-c", file_, "--seed", "9", "--set",
                                   "tcp.msl_ms=7", "--set", "tcp.seed=5"});
  EXPECT_EQ(outcome.status, 1);
  ASSERT_TRUE(fake_engine().replayed.has_value());
  EXPECT_EQ(fake_engine().replayed->in, "i");
  EXPECT_EQ(fake_engine().config.tcp.seed, 9U) << "--seed is stronger than the configuration";
  EXPECT_EQ(fake_engine().config.tcp.msl_ms, 7U);
  fake_engine().replayed.reset();
  EXPECT_EQ(program({"replay", "--in", "i", "--out", "o", "-c", "/nonexistent"}).status, kExitUsage);
  EXPECT_FALSE(fake_engine().replayed.has_value());
}

TEST_F(Program, UsageErrorsNameTheProgram) {
  const Outcome outcome = program({"load"});
  EXPECT_EQ(outcome.status, kExitUsage);
  EXPECT_EQ(outcome.err, "sluice: load: unknown command; known here: serve, replay, stats, conns\n");
  EXPECT_EQ(program({"--version"}).out.substr(0, 7), "sluice ");
}

}  // namespace
}  // namespace sluice::cli
