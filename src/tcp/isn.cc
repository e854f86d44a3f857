// SPDX-License-Identifier: BSD-3-Clause
#include <cstring>

#include "tcp/internal.h"

namespace sluice::tcp {

namespace {

std::uint64_t word_of(const IpAddress& address, std::size_t half) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, address.bytes.data() + 8 * half, sizeof(word));
  return word;
}

SipHasher<2, 4> hasher_of(SipKey key, const IpAddress& local) noexcept {
  SipHasher<2, 4> hasher(key);
  hasher.add(word_of(local, 0));
  hasher.add(word_of(local, 1));
  if (local.is_v4()) hasher.add(0);  // as the first half of every IPv4 peer's address
  return hasher;
}

std::uint64_t hash_flow(const SipHasher<2, 4>& begun, const FlowId& flow) noexcept {
  SipHasher<2, 4> hasher = begun;
  if (!flow.remote.is_v4()) hasher.add(word_of(flow.remote, 0));
  hasher.add(word_of(flow.remote, 1));
  hasher.add(std::uint64_t{flow.local_port} << 16U | flow.remote_port);
  return hasher.finish();
}

}  // namespace

LocalSecrets::LocalSecrets(const Secrets& secrets, const IpAddress& local) noexcept
    : isn(hasher_of(secrets.isn, local)), timestamps(hasher_of(secrets.timestamps, local)) {}

// RFC 6528 3: M, a 4 us clock, plus F of the four-tuple and the secret
SeqNum initial_sequence(const LocalSecrets& secrets, const FlowId& flow, Instant now) noexcept {
  const auto m = static_cast<std::uint32_t>(now.us() / 4);
  return SeqNum(static_cast<std::uint32_t>(hash_flow(secrets.isn, flow)) + m);
}

SeqNum initial_sequence_above(SeqNum iss, SeqNum last) noexcept {
  return iss.after(last) ? iss : last + 1 + (iss.value() & 0xffffU);
}

// RFC 7323 5.4: an offset a connection keeps the clock, hence the uptime, from being read
std::uint32_t timestamp_offset(const LocalSecrets& secrets, const FlowId& flow) noexcept {
  return static_cast<std::uint32_t>(hash_flow(secrets.timestamps, flow));
}

}  // namespace sluice::tcp
