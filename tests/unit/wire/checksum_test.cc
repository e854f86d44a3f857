// SPDX-License-Identifier: BSD-3-Clause
#include "wire/checksum.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "frames.h"

namespace sluice::wire {
namespace {

ByteVector random_bytes(Rng& rng, std::size_t n) {
  ByteVector bytes(n);
  for (auto& b : bytes) b = static_cast<std::uint8_t>(rng.next());
  return bytes;
}
std::uint16_t host_order(std::uint16_t folded) { return __builtin_bswap16(folded); }

TEST(Checksum, AgreesWithTheNaiveSumAtEveryLengthAndAlignment) {
  Rng rng(1);
  for (std::size_t n = 0; n <= 400; ++n) {
    const ByteVector bytes = random_bytes(rng, n + 3);
    for (std::size_t shift = 0; shift < 4; ++shift) {
      const Exact copy{std::span(bytes).subspan(shift, n)};
      EXPECT_EQ(host_order(fold(sum_bytes(copy.bytes()))), naive_sum(copy.bytes())) << n;
    }
  }
}

TEST(Checksum, AllOnesDoNotOverflowTheLanes) {
  const ByteVector bytes(65535, 0xff);
  EXPECT_EQ(host_order(fold(sum_bytes(bytes))), naive_sum(bytes));
  EXPECT_EQ(fold(~CsumSum{0}), 0xffff);
  EXPECT_EQ(fold(0xffffffff0000ffffU), 0xffff);
  EXPECT_EQ(fold(0), 0);
}

TEST(Checksum, FixedSizesAgreeToo) {
  Rng rng(2);
  const ByteVector bytes = random_bytes(rng, 40);
  EXPECT_EQ(fold(sum_fixed<20>(bytes.data())), fold(sum_bytes(bytes.data(), 20)));
  EXPECT_EQ(fold(sum_fixed<40>(bytes.data())), fold(sum_bytes(bytes.data(), 40)));
}

TEST(Checksum, PiecesAtOddOffsetsCombineToTheWhole) {
  Rng rng(3);
  for (int round = 0; round < 2000; ++round) {
    const ByteVector bytes = random_bytes(rng, 1 + rng.below(700));
    CsumSum sum = 0;
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t n = std::min<std::size_t>(rng.below(150), bytes.size() - at);
      sum = combine(sum, sum_bytes(bytes.data() + at, n), at);
      at += n;
    }
    ASSERT_EQ(host_order(fold(sum)), naive_sum(bytes)) << round;
  }
}

TEST(Checksum, CopyingSumsAndCopiesExactly) {
  Rng rng(4);
  for (std::size_t n = 0; n < 300; ++n) {
    const Exact from(random_bytes(rng, n));
    const Exact to(ByteVector(n, 0xaa));
    EXPECT_EQ(fold(copy_and_sum(to.data(), from.data(), n)), fold(sum_bytes(from.bytes())));
    EXPECT_TRUE(std::equal(from.bytes().begin(), from.bytes().end(), to.bytes().begin()));
  }
}

TEST(Checksum, PseudoHeadersAreSummedAsTheyWouldStand) {
  const IpAddress a = IpAddress::v4(10, 1, 2, 3);
  const IpAddress b = IpAddress::v4(192, 168, 255, 254);
  const ByteVector v4 = {10, 1, 2, 3, 192, 168, 255, 254, 0, 6, 0x12, 0x35};
  EXPECT_EQ(host_order(fold(pseudo_sum(a, b, 6, 0x1235))), naive_sum(v4));

  Rng rng(5);
  ByteVector v6 = random_bytes(rng, 32);
  IpAddress c;
  IpAddress d;
  std::copy_n(v6.begin(), 16, c.bytes.begin());
  std::copy_n(v6.begin() + 16, 16, d.bytes.begin());
  for (const int byte : {0x00, 0x01, 0x23, 0x45, 0, 0, 0, 58}) v6.push_back(static_cast<std::uint8_t>(byte));
  EXPECT_EQ(host_order(fold(pseudo_sum(c, d, 58, 0x12345))), naive_sum(v6));
}

TEST(Checksum, AStoredChecksumMakesTheMessageGood) {
  Rng rng(6);
  for (int round = 0; round < 500; ++round) {
    ByteVector bytes = random_bytes(rng, 2 + rng.below(200));
    bytes[0] = bytes[1] = 0;
    store_checksum(bytes.data(), sum_bytes(bytes));
    EXPECT_TRUE(checksum_good(sum_bytes(bytes)));
    bytes[rng.below(static_cast<std::uint32_t>(bytes.size()))] ^= 0x10;
    EXPECT_FALSE(checksum_good(sum_bytes(bytes)));
  }
}

TEST(Checksum, APartialSumIsWhatADeviceGoesOnFrom) {
  Rng rng(7);
  ByteVector segment = random_bytes(rng, 99);
  const CsumSum pseudo = pseudo_sum(IpAddress::v4(10, 0, 0, 1), IpAddress::v4(10, 0, 0, 2), 6, 99);
  store_native16(&segment[16], 0);
  const CsumSum whole = pseudo + sum_bytes(segment);
  store_partial_sum(&segment[16], pseudo);
  EXPECT_EQ(fold(sum_bytes(segment)), fold(whole));
}

}  // namespace
}  // namespace sluice::wire
