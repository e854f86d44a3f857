// SPDX-License-Identifier: BSD-3-Clause
#include "cli/control_socket.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/stats_json.h"
#include "reports.h"

namespace sluice::cli {
namespace {

class ControlSocket : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/sluice-cli-XXXXXX";
    directory_ = ::mkdtemp(name);
    path_ = directory_ + "/run/edge.sock";
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::unique_ptr<ControlServer> create(std::chrono::milliseconds patience = std::chrono::seconds(60)) const {
    Result<std::unique_ptr<ControlServer>> server = ControlServer::create(path_, patience);
    EXPECT_TRUE(server.ok()) << server.error().message;
    return server.ok() ? std::move(server).value() : nullptr;
  }

  OwnedFd connect() const {
    OwnedFd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::snprintf(address.sun_path, sizeof address.sun_path, "%s", path_.c_str());
    EXPECT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return client;
  }

  static ControlCallbacks sample(std::vector<ConnectionReport> connections = {}) {
    return {[] { return sample_stats(); },
            [connections = std::move(connections)](const Engine::Wanted& wanted, const Engine::Take& take) -> Result<void> {
              for (const ConnectionReport& connection : connections) {
                if (wanted(connection) && !take({connection})) break;
              }
              return {};
            }};
  }

  std::string directory_, path_;
};

TEST_F(ControlSocket, AnswersStatistics) {
  const auto server = create();
  server->start(sample());
  const auto lines = ask_instance(path_, "stats");
  ASSERT_TRUE(lines.ok()) << lines.error().message;
  EXPECT_EQ(*lines, std::vector<std::string>{stats_json(sample_stats()).dump()});
  EXPECT_NE(ask_instance(path_, "stats explain")->at(0).find("delivered to a connection"), std::string::npos);
}

TEST_F(ControlSocket, AnswersConnectionsThatPassTheFilter) {
  const auto server = create();
  server->start(sample({sample_connection(), sample_connection(State::kTimeWait, 5)}));
  EXPECT_EQ(ask_instance(path_, "conns")->size(), 2U);
  EXPECT_EQ(*ask_instance(path_, "conns state=TIME_WAIT peer=10.77.0.2:5"),
            std::vector<std::string>{connection_json(sample_connection(State::kTimeWait, 5)).dump()});
  EXPECT_TRUE(ask_instance(path_, "conns service=none")->empty());
}

TEST_F(ControlSocket, CarriesListsLargerThanAnyBuffer) {
  const auto server = create();
  server->start(sample(std::vector<ConnectionReport>(20000, sample_connection())));
  const auto lines = ask_instance(path_, "conns");
  ASSERT_TRUE(lines.ok()) << lines.error().message;
  EXPECT_EQ(lines->size(), 20000U);
  EXPECT_EQ(lines->back(), connection_json(sample_connection()).dump());
}

TEST_F(ControlSocket, AListThatBreaksOffIsAnErrorOrCutShort) {
  std::size_t before = 0;
  const auto server = create();
  server->start({[] { return sample_stats(); },
                 [&before](const Engine::Wanted&, const Engine::Take& take) -> Result<void> {
                   for (std::size_t i = 0; i < before; ++i) {
                     if (!take({sample_connection()})) return {};
                   }
                   return Error{Errc::kTimedOut, "a shard did not report"};
                 }});
  for (before = 0; before < 4; before += 3) {
    const auto early = ask_instance(path_, "conns");
    ASSERT_FALSE(early.ok());
    EXPECT_EQ(early.error().message, "a shard did not report");
  }
  before = 20'000;
  const auto late = ask_instance(path_, "conns");
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, Errc::kIo);
}

TEST_F(ControlSocket, AListStopsWhenItsClientHasLeft) {
  const auto server = create();
  std::atomic<std::size_t> made{0};
  server->start({[] { return sample_stats(); },
                 [&made](const Engine::Wanted&, const Engine::Take& take) -> Result<void> {
                   while (take(std::vector<ConnectionReport>(100, sample_connection()))) made += 100;
                   return {};
                 }});
  {
    const OwnedFd client = connect();
    ASSERT_EQ(::send(client.get(), "conns\n", 6, MSG_NOSIGNAL), 6);
    char ok[3];
    ASSERT_EQ(::recv(client.get(), ok, 3, MSG_WAITALL), 3);
  }
  EXPECT_TRUE(ask_instance(path_, "stats").ok()) << "the list without end has ended";
  EXPECT_GT(made, 0U);
}

TEST_F(ControlSocket, RefusesWhatItDoesNotKnow) {
  const auto server = create();
  server->start(sample());
  EXPECT_EQ(ask_instance(path_, "reboot").error().code, Errc::kInvalid);
  EXPECT_EQ(ask_instance(path_, "").error().message, "unknown request; send stats or conns");
  EXPECT_EQ(ask_instance(path_, "conns colour=red").error().code, Errc::kInvalid);
  EXPECT_TRUE(ask_instance(path_, "stats").ok()) << "and goes on";
}

TEST_F(ControlSocket, AClientThatLeavesEarlyDoesNotStopIt) {
  const auto server = create();
  server->start(sample(std::vector<ConnectionReport>(5000, sample_connection())));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "%s", path_.c_str());
  for (const std::string request : {"", "conns", "conns\n"}) {
    const OwnedFd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
  }
  EXPECT_TRUE(ask_instance(path_, "stats").ok());
}

TEST_F(ControlSocket, ClientsThatSayNothingHoldUpNobody) {
  const auto server = create();
  server->start(sample());
  std::vector<OwnedFd> silent;
  for (int i = 0; i < 10; ++i) silent.push_back(connect());
  ASSERT_EQ(::send(silent[0].get(), "sta", 3, MSG_NOSIGNAL), 3);
  EXPECT_TRUE(ask_instance(path_, "stats", std::chrono::seconds(3)).ok());
  // Who takes his time is answered all the same.
  ASSERT_EQ(::send(silent[0].get(), "ts\n", 3, MSG_NOSIGNAL), 3);
  char answer[4] = {};
  ASSERT_EQ(::recv(silent[0].get(), answer, 3, MSG_WAITALL), 3);
  EXPECT_STREQ(answer, "ok\n");
}

TEST_F(ControlSocket, ARequestWithoutEndIsNotWaitedForForEver) {
  {
    // Nobody is waited for longer because more bytes arrive.
    const auto impatient = create(std::chrono::milliseconds(100));
    impatient->start(sample());
    const OwnedFd slow = connect();
    int bytes = 0;
    for (pollfd end{slow.get(), POLLIN, 0}; ::poll(&end, 1, 10) == 0; ++bytes) {
      if (::send(slow.get(), "x", 1, MSG_NOSIGNAL) != 1) break;
      ASSERT_LT(bytes, 3000) << "less than what is too long";
    }
    EXPECT_GT(bytes, 0);
  }
  const auto server = create();
  server->start(sample());
  const OwnedFd large = connect();
  const std::string much(5000, 'x');
  static_cast<void>(::send(large.get(), much.data(), much.size(), MSG_NOSIGNAL));
  char answer = 0;
  EXPECT_EQ(::recv(large.get(), &answer, 1, 0), 1);
  EXPECT_EQ(ask_instance(path_, much).error().message, "the request is too long; send less than 4096 bytes");
}

TEST_F(ControlSocket, ASlowReaderHoldsUpNobodyForLong) {
  const auto server = create(std::chrono::milliseconds(200));
  server->start(sample(std::vector<ConnectionReport>(100'000, sample_connection())));
  const OwnedFd slow = connect();
  ASSERT_EQ(::send(slow.get(), "conns\n", 6, MSG_NOSIGNAL), 6);
  std::atomic<bool> answered{false};
  std::thread other([&] {
    EXPECT_TRUE(ask_instance(path_, "stats").ok());
    answered = true;
  });
  // There is always room for a little more, so no single wait is long; and the list is made sooner than it is read, sanitizers or not.
  std::vector<char> some(4096);
  std::size_t read = 0;
  for (ssize_t got = 1; got > 0 && !answered; ::poll(nullptr, 0, 20)) {
    got = ::recv(slow.get(), some.data(), some.size(), 0);
    if (got > 0) read += static_cast<std::size_t>(got);
  }
  other.join();
  EXPECT_GT(read, 0U);
  EXPECT_LT(read, 20'000'000U) << "the whole list";
}

// EAL binds the main thread to its shard's core before it starts the server.
TEST_F(ControlSocket, ItsThreadKeepsOffTheShardsCores) {
  cpu_set_t all;
  CPU_ZERO(&all);
  ASSERT_EQ(::sched_getaffinity(0, sizeof all, &all), 0);
  unsigned shard = 0;
  while (!CPU_ISSET(shard, &all)) ++shard;
  cpu_set_t bound;
  CPU_ZERO(&bound);
  CPU_SET(shard, &bound);
  cpu_set_t seen;
  CPU_ZERO(&seen);
  const auto server = create();
  std::thread([&] {
    ASSERT_EQ(::sched_setaffinity(0, sizeof bound, &bound), 0);
    server->start({[&seen] {
                     static_cast<void>(::sched_getaffinity(0, sizeof seen, &seen));
                     return sample_stats();
                   },
                   {}},
                  std::to_string(shard));
  }).join();
  ASSERT_TRUE(ask_instance(path_, "stats").ok());
  cpu_set_t wanted = all;
  if (CPU_COUNT(&all) > 1) CPU_CLR(shard, &wanted);
  EXPECT_TRUE(CPU_EQUAL(&seen, &wanted)) << CPU_COUNT(&seen) << " of " << CPU_COUNT(&all);
}

TEST_F(ControlSocket, OnlyItsOwnerMayUseIt) {
  const auto server = create();
  struct stat there {};
  ASSERT_EQ(::stat(path_.c_str(), &there), 0);
  EXPECT_TRUE(S_ISSOCK(there.st_mode));
  EXPECT_EQ(there.st_mode & 07777, 0600U);
}

TEST_F(ControlSocket, ALiveInstanceKeepsItsName) {
  const auto first = create();
  first->start(sample());
  const auto second = ControlServer::create(path_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Errc::kBusy);
  EXPECT_TRUE(ask_instance(path_, "stats").ok()) << "the first still answers";
}

TEST_F(ControlSocket, ADeadInstancesLeavingsAreReplaced) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto server = ControlServer::create(path_);
    const bool made = server.ok();
    if (made) static_cast<void>(server->release());  // dies without cleaning up
    ::_exit(made ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  ASSERT_TRUE(std::filesystem::exists(path_));
  EXPECT_EQ(ask_instance(path_, "stats").error().code, Errc::kNoDevice);
  const auto server = create();
  ASSERT_NE(server, nullptr);
  server->start(sample());
  EXPECT_TRUE(ask_instance(path_, "stats").ok());
}

TEST_F(ControlSocket, AFileInTheWayIsLeftAlone) {
  std::filesystem::create_directories(directory_ + "/run");
  std::ofstream(path_) << "precious";
  EXPECT_EQ(ControlServer::create(path_).error().code, Errc::kBusy);
  EXPECT_EQ(std::filesystem::file_size(path_), 8U);
}

TEST_F(ControlSocket, LeavesNothingBehind) {
  create()->start(sample());
  EXPECT_TRUE(std::filesystem::is_empty(directory_ + "/run"));
}

TEST_F(ControlSocket, AnAnswerCutShortIsAnError) {
  const OwnedFd listener(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_ = directory_ + "/cut.sock";
  std::snprintf(address.sun_path, sizeof address.sun_path, "%s", path_.c_str());
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  std::thread half([&listener] {
    const OwnedFd client(::accept(listener.get(), nullptr, nullptr));
    char request[16];
    EXPECT_GT(::recv(client.get(), request, sizeof request, 0), 0);
    EXPECT_EQ(::send(client.get(), "ok\n{}\n", 6, MSG_NOSIGNAL), 6);
  });
  const auto lines = ask_instance(path_, "stats");
  half.join();
  ASSERT_FALSE(lines.ok());
  EXPECT_EQ(lines.error().code, Errc::kIo);
}

TEST_F(ControlSocket, CommandsPrintWhatItAnswers) {
  const auto server = create();
  server->start(sample({sample_connection()}));
  testing::internal::CaptureStdout();
  EXPECT_EQ(run_stats({.json = true}, path_), 0);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), stats_json(sample_stats()).dump() + "\n");
  testing::internal::CaptureStdout();
  EXPECT_EQ(run_conns({.json = true, .filters = {"service=web"}}, path_), 0);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), connection_json(sample_connection()).dump() + "\n");
  testing::internal::CaptureStdout();
  EXPECT_EQ(run_conns({}, path_), 0);
  EXPECT_NE(testing::internal::GetCapturedStdout().find("10.77.0.2:40000  ESTABLISHED  web"), std::string::npos);
}

TEST_F(ControlSocket, CommandsWithoutAnInstanceFailAndSayWhich) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_stats({.instance = "edge"}, path_), 1);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "sluice: " + path_ + ": no instance answers (No such file or directory); is instance edge running? Name "
                                 "another with --instance\n");
}

TEST_F(ControlSocket, WatchRefreshesUntilInterrupted) {
  int asked = 0;
  const auto server = create();
  const pthread_t watcher = pthread_self();
  server->start({[&asked, watcher] {
                   // The signal comes with the second answer; the watcher fetches it at its next wait.
                   if (++asked == 2) pthread_kill(watcher, SIGINT);
                   return sample_stats();
                 },
                 {}});
  testing::internal::CaptureStdout();
  EXPECT_EQ(run_stats({.json = true, .watch = true}, path_), 0);
  const std::string line = stats_json(sample_stats()).dump() + "\n";
  EXPECT_EQ(testing::internal::GetCapturedStdout(), line + line);
}

}  // namespace
}  // namespace sluice::cli
