// SPDX-License-Identifier: BSD-3-Clause
#include "wire/fragment.h"

#include <gtest/gtest.h>

#include "frames.h"
#include "wire/checksum.h"
#include "wire/ethernet.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

namespace sluice::wire {
namespace {

constexpr std::size_t kHead = kEthHeader + kIpv6Header;

ByteVector head(bool v4, std::uint8_t protocol, std::size_t payload) {
  ByteVector frame(kEthHeader + (v4 ? kIpv4Header : kIpv6Header));
  EthernetHeader{{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}, 0, v4 ? kEtherTypeIpv4 : kEtherTypeIpv6}.write(frame.data());
  const auto len = static_cast<std::uint16_t>(payload);
  if (v4) {
    Ipv4Header{IpAddress::v4(10, 0, 0, 2), IpAddress::v4(10, 0, 0, 1), len, 77, false, 0, 64, protocol}.write(&frame[14]);
  } else {
    Ipv6Header{{{0xfd, 1}}, {{0xfd, 2}}, len, 0, 0, 64, protocol}.write(&frame[14]);
  }
  frame.resize(frame.size() + payload);
  return frame;
}

ByteVector v4_fragment(std::uint16_t field, std::size_t payload, std::uint8_t protocol = kProtoTcp) {
  ByteVector frame = head(true, protocol, payload);
  store_be16(&frame[20], field);
  store_be16(&frame[24], 0);
  store_checksum(&frame[24], sum_bytes(&frame[14], kIpv4Header));
  return frame;
}

ByteVector v6_fragment(std::uint16_t field, const ByteVector& payload, std::uint8_t next_header = kProtoTcp) {
  ByteVector frame = head(false, kProtoFragment, 8);
  frame[kHead] = next_header;
  store_be16(&frame[kHead + 2], field);
  store_be32(&frame[kHead + 4], 0x12345678);
  frame.insert(frame.end(), payload.begin(), payload.end());
  store_be16(&frame[18], static_cast<std::uint16_t>(frame.size() - kHead));
  return frame;
}

FragmentCheck check(const ByteVector& frame, IpFragment* out = nullptr, std::uint16_t* problem = nullptr) {
  Received r(frame);
  EXPECT_TRUE(r.error == ParseError::kIpv4Fragment || r.error == ParseError::kIpv6Fragment) << parse_error_name(r.error);
  IpFragment fragment;
  const FragmentCheck result = read_fragment(r.packet, fragment);
  if (out != nullptr) *out = fragment;
  if (problem != nullptr) *problem = r.packet.problem_offset;
  return result;
}

TEST(ReadFragment, ReadsBothFamilies) {
  IpFragment f;
  EXPECT_EQ(check(v4_fragment(0x2003, 16), &f), FragmentCheck::kFine);
  EXPECT_EQ(f.id, 77U);
  EXPECT_EQ(f.offset, 24U);
  EXPECT_EQ(f.end(), 40U);
  EXPECT_TRUE(f.more);
  EXPECT_EQ(f.protocol, kProtoTcp);
  EXPECT_EQ(check(v6_fragment(24, ByteVector(5)), &f), FragmentCheck::kFine);
  EXPECT_EQ(f.id, 0x12345678U);
  EXPECT_EQ(f.offset, 24U);
  EXPECT_FALSE(f.more);
  EXPECT_EQ(f.bytes.size(), 5U);
}

TEST(ReadFragment, RefusesWhatSplitsATcpHeader) {
  EXPECT_EQ(check(v4_fragment(0x2000, 8)), FragmentCheck::kTiny);
  EXPECT_EQ(check(v4_fragment(0x2000, 16)), FragmentCheck::kFine);
  EXPECT_EQ(check(v4_fragment(0x0001, 16)), FragmentCheck::kTiny);
  EXPECT_EQ(check(v4_fragment(0x0002, 16)), FragmentCheck::kFine);
  EXPECT_EQ(check(v4_fragment(0x2000, 8, kProtoIcmpv4)), FragmentCheck::kFine);
  EXPECT_EQ(check(v6_fragment(1, ByteVector(16))), FragmentCheck::kTiny);
  EXPECT_EQ(check(v6_fragment(1, ByteVector(24))), FragmentCheck::kFine);
  EXPECT_EQ(check(v6_fragment(16, ByteVector(8))), FragmentCheck::kTiny);
}

TEST(ReadFragment, TheFirstOfIpv6HoldsTheWholeChain) {  // RFC 7112
  ByteVector options{kProtoTcp, 0, 1, 4, 0, 0, 0, 0};
  options.resize(28 + 4);
  EXPECT_EQ(check(v6_fragment(1, options, kProtoDestinationOptions)), FragmentCheck::kFine);
  options.resize(24);
  EXPECT_EQ(check(v6_fragment(1, options, kProtoDestinationOptions)), FragmentCheck::kTiny);
  options[1] = 3;  // 32 bytes of options
  EXPECT_EQ(check(v6_fragment(1, options, kProtoDestinationOptions)), FragmentCheck::kTiny);
  const ByteVector nested{kProtoTcp, 0, 0, 1, 0, 0, 0, 1};
  EXPECT_EQ(check(v6_fragment(1, nested, kProtoFragment)), FragmentCheck::kProtocolUnknown);
}

TEST(ReadFragment, RefusesLengthsThatCannotBeAndSaysWhere) {
  std::uint16_t problem = 0;
  EXPECT_EQ(check(v4_fragment(0x2002, 12)), FragmentCheck::kUneven);
  EXPECT_EQ(check(v4_fragment(0x2002, 0)), FragmentCheck::kEmpty);
  EXPECT_EQ(check(v4_fragment(0x1fff, 8)), FragmentCheck::kTooLong);
  EXPECT_EQ(check(v6_fragment(33, ByteVector(12)), nullptr, &problem), FragmentCheck::kUneven);
  EXPECT_EQ(problem, 4U);
  EXPECT_EQ(check(v6_fragment(0xfff8, ByteVector(8)), nullptr, &problem), FragmentCheck::kTooLong);
  EXPECT_EQ(problem, 42U);
  EXPECT_EQ(check(v6_fragment(8, {})), FragmentCheck::kEmpty);
}

TEST(ReadFragment, WhatIsNotTakenHereIsNotKept) {
  EXPECT_EQ(check(v4_fragment(0x2002, 16, 17)), FragmentCheck::kProtocolUnknown);
  EXPECT_EQ(check(v6_fragment(33, ByteVector(16), 17)), FragmentCheck::kProtocolUnknown);
}

}  // namespace
}  // namespace sluice::wire
