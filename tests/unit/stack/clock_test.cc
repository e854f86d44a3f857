// SPDX-License-Identifier: BSD-3-Clause
// A clock that jumps further than ticks can tell apart.
#include <gtest/gtest.h>

#include "support/host.h"

namespace sluice::test {
namespace {

struct Quiet final : Service {
  void on_accept(Connection, ListenerId) override {}
  void on_readable(Connection) override {}
  void on_closed(Connection, Errc reason) override {
    ++closed;
    last = reason;
  }
  int closed = 0;
  Errc last = Errc::kOk;
};

TEST(ClockTest, AJumpOfWeeksLeavesEveryDeadlineWhereItBelongs) {
  Quiet service;
  Host host{HostConfig{}};
  host.add_service(service);
  const Endpoint remote{IpAddress::parse("10.0.0.9").value(), 80};
  ASSERT_TRUE(host.connect(service, remote, {IpAddress::parse("0.0.0.0").value(), 0}, SocketOptions{}).ok());
  (void)host.take_sent();
  for (const int days : {1, 3, 4, 7, 30, 400}) {
    const Instant before = host.now();
    const Instant after = before + Duration::seconds(std::int64_t{days} * 86400);
    host.advance(after);
    (void)host.take_sent();
    ASSERT_EQ(host.broken_invariant(), nullptr);
    // A jump is one time-out, not many: the rest follows on the clock.
    for (Instant now = after; host.stack().slabs().tcbs.used() != 0;) {
      now = host.stack().next_deadline(now);
      ASSERT_LT(now, after + Duration::seconds(600)) << "a deadline went astray in the jump of " << days << " days";
      host.advance(now);
      (void)host.take_sent();
    }
    // A connection opened at the new time keeps its own deadlines.
    ASSERT_TRUE(host.connect(service, remote, {IpAddress::parse("0.0.0.0").value(), 0}, SocketOptions{}).ok());
    (void)host.take_sent();
    host.advance(host.now() + Duration::milliseconds(500));
    EXPECT_EQ(host.stack().slabs().tcbs.used(), 1U);
    (void)host.take_sent();
  }
  EXPECT_EQ(service.closed, 6);
  EXPECT_EQ(service.last, Errc::kTimedOut);
}

}  // namespace
}  // namespace sluice::test
