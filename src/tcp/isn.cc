// SPDX-License-Identifier: BSD-3-Clause
#include <array>
#include <cstring>

#include "tcp/internal.h"

namespace sluice::tcp {

namespace {

std::uint64_t hash_flow(SipKey key, const FlowId& flow, const IpAddress& local) noexcept {
  std::array<std::uint64_t, 5> words{};
  std::memcpy(words.data(), local.bytes.data(), 16);
  std::memcpy(words.data() + 2, flow.remote.bytes.data(), 16);
  words[4] = std::uint64_t{flow.local_port} << 16U | flow.remote_port;
  return siphash<2, 4>(key, words);
}

}  // namespace

// RFC 6528 3: M, a 4 us clock, plus F of the four-tuple and the secret
SeqNum initial_sequence(const Secrets& secrets, const FlowId& flow, const IpAddress& local, Instant now) noexcept {
  const auto m = static_cast<std::uint32_t>(now.us() / 4);
  return SeqNum(static_cast<std::uint32_t>(hash_flow(secrets.isn, flow, local)) + m);
}

SeqNum initial_sequence_above(SeqNum iss, SeqNum last) noexcept {
  return iss.after(last) ? iss : last + 1 + (iss.value() & 0xffffU);
}

// RFC 7323 5.4: an offset a connection keeps the clock, hence the uptime, from being read
std::uint32_t timestamp_offset(const Secrets& secrets, const FlowId& flow, const IpAddress& local) noexcept {
  return static_cast<std::uint32_t>(hash_flow(secrets.timestamps, flow, local));
}

}  // namespace sluice::tcp
