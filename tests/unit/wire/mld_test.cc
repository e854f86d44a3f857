// SPDX-License-Identifier: BSD-3-Clause
#include "wire/mld.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "wire/checksum.h"

namespace sluice::wire {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes query(std::size_t size, std::uint16_t code, const char* group = "::") {
  Bytes message(size);
  message[0] = 130;
  store_be16(&message[4], code);
  const IpAddress address = IpAddress::parse(group).value();
  std::copy(address.bytes.begin(), address.bytes.end(), message.begin() + 8);
  return message;
}

TEST(MldQuery, TheLengthTellsTheVersion) {  // RFC 3810 8.1
  for (std::size_t size = 0; size < 40; ++size) {
    Bytes message = query(40, 1000);
    message.resize(size);
    const auto view = MldQueryView::parse(message);
    EXPECT_EQ(view.has_value(), size == 24 || size >= 28) << size;
    EXPECT_TRUE(!view || view->is_v1() == (size == 24)) << size;
  }
}

TEST(MldQuery, AsksForAGroupOrForAll) {
  EXPECT_EQ(MldQueryView::parse(query(28, 0))->group(), IpAddress{});
  EXPECT_EQ(MldQueryView::parse(query(24, 0, "ff02::1:ff00:1"))->group(), IpAddress::parse("ff02::1:ff00:1").value());
  EXPECT_FALSE(MldQueryView::parse(query(28, 0, "fd00::1")));
  Bytes report = query(28, 0);
  report[0] = 131;
  EXPECT_FALSE(MldQueryView::parse(report));
}

TEST(MldQuery, LongDelaysAreCodedInVersion2) {  // RFC 3810 5.1.3
  const auto delay = [](std::size_t size, std::uint16_t code) { return MldQueryView::parse(query(size, code))->max_response_ms(); };
  EXPECT_EQ(delay(28, 0), 0U);
  EXPECT_EQ(delay(28, 0x7fff), 32767U);
  EXPECT_EQ(delay(28, 0x8000), 32768U);
  EXPECT_EQ(delay(28, 0x8001), 32776U);
  EXPECT_EQ(delay(28, 0xffff), 8387584U);
  EXPECT_EQ(delay(24, 0xffff), 65535U);
}

TEST(RouterAlert, IsFoundAmongOtherOptions) {
  Bytes l3(48);
  l3[0] = 0x60;
  const auto with = [&](const Bytes& options) {
    std::copy(options.begin(), options.end(), l3.begin() + 42);
    return has_router_alert(l3);
  };
  EXPECT_TRUE(with({5, 2, 0, 0, 1, 0}));
  EXPECT_TRUE(with({0, 0, 5, 2, 0, 0}));
  EXPECT_FALSE(with({5, 2, 0, 1, 1, 0})) << "of another protocol";
  EXPECT_FALSE(with({1, 4, 5, 2, 0, 0})) << "padding that looks like one";
  EXPECT_FALSE(with({1, 1, 0, 5, 2, 0})) << "cut off";
  l3[41] = 1;
  EXPECT_FALSE(with({5, 2, 0, 0, 1, 0})) << "a header longer than what there is";
  l3[41] = 0;
  l3[6] = 60;
  EXPECT_FALSE(with({5, 2, 0, 0, 1, 0})) << "in a destination header";
  l3[6] = 0;
  l3.resize(47);
  EXPECT_FALSE(has_router_alert(l3));
  l3.resize(48);
  write_router_alert(&l3[40]);
  EXPECT_EQ(l3[40], 58);
  EXPECT_TRUE(has_router_alert(l3));
}

TEST(MldReport, ListsGroupsWithoutSources) {
  const IpAddress src = IpAddress::parse("fe80::1").value();
  const IpAddress dst = IpAddress::parse("ff02::16").value();
  const std::vector<IpAddress> groups{IpAddress::parse("ff02::1:ff00:1").value(), IpAddress::parse("ff02::1:ff00:2").value()};
  const MldReport report{kChangeToExclude, groups};
  Bytes out(report.size(), 0xaa);
  ASSERT_EQ(out.size(), 48U);
  EXPECT_EQ(report.write(out.data(), src, dst), 48U);
  EXPECT_EQ(out[0], 143);
  EXPECT_EQ(load_be32(&out[4]), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(load_be32(&out[8 + 20 * i]), 0x04000000U);
    EXPECT_TRUE(std::equal(groups[i].bytes.begin(), groups[i].bytes.end(), out.begin() + static_cast<std::ptrdiff_t>(12 + 20 * i)));
  }
  EXPECT_TRUE(checksum_good(sum_bytes(out) + pseudo_sum_v6(src.bytes.data(), dst.bytes.data(), kProtoIcmpv6, 48)));
}

}  // namespace
}  // namespace sluice::wire
