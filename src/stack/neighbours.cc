// SPDX-License-Identifier: BSD-3-Clause
#include "stack/neighbours.h"

#include <utility>

namespace sluice::stack {

namespace {
// Who gives way first: a stranger's open question, then who is known, then a connection's open question.
int rank(const Neighbours::Entry& entry) noexcept {
  if (entry.fixed) return 3;
  if (entry.state != Neighbours::State::kIncomplete) return 1;
  return entry.ours ? 2 : 0;
}
}  // namespace

Neighbours::~Neighbours() {
  for (Entry& entry : entries_) bufs_.release_all(entry.waiting);
}

Neighbours::Entry* Neighbours::make(std::uint8_t interface, const IpAddress& ip, Instant now) noexcept {
  Entry* set = set_of(interface, ip);
  Entry* victim = &set[0];
  for (std::size_t i = 0; i < kWays; ++i) {
    if (set[i].state == State::kFree) {
      victim = &set[i];
      break;
    }
    const int order = rank(set[i]) - rank(*victim);
    if (order < 0 || (order == 0 && set[i].used < victim->used)) victim = &set[i];
  }
  if (victim->state != State::kFree) {
    ++counters_.evicted;
    counters_.waiting_dropped += victim->n_waiting;
    bufs_.release_all(victim->waiting);
  }
  *victim = Entry{};
  victim->ip = ip;
  victim->interface = interface;
  victim->since = now;
  victim->used = now;
  return victim;
}

void Neighbours::fail(Entry& entry) noexcept {
  ++counters_.failed;
  counters_.waiting_dropped += entry.n_waiting;
  bufs_.release_all(entry.waiting);
  entry = Entry{};
}

Neighbours::Lookup Neighbours::resolve(std::uint8_t interface, const IpAddress& ip, Instant now, Asker asker) noexcept {
  if (const wire::MacAddress* mac = known(interface, ip, now)) return {mac, nullptr};
  Entry* entry = find(interface, ip);
  if (entry == nullptr) {
    if (asker == Asker::kStranger && !strangers_.take(now, rng_)) {
      ++counters_.limited;
      return {nullptr, nullptr, true};
    }
    entry = make(interface, ip, now);
    entry->state = State::kIncomplete;
    entry->solicited = 1;
    entry->ours = asker == Asker::kOurs;
    ++counters_.solicitations;
    check_by(now + kRetry);
    return {nullptr, entry};
  }
  entry->used = now;
  if (entry->state == State::kIncomplete) {
    if (asker == Asker::kOurs) entry->ours = true;
    return {nullptr, nullptr};
  }
  if (entry->state == State::kReachable) {
    entry->state = State::kProbe;
    entry->solicited = 1;
    entry->since = now;
    ++counters_.solicitations;
    check_by(now + kRetry);
    return {&entry->mac, entry};
  }
  return {&entry->mac, nullptr};
}

void Neighbours::wait(std::uint8_t interface, const IpAddress& ip, Buf* frame) noexcept {
  Entry* entry = find(interface, ip);
  if (entry == nullptr || entry->n_waiting == kMaxWaiting) {
    ++counters_.waiting_dropped;
    bufs_.release(frame);
    return;
  }
  frame->next = nullptr;
  Buf** end = &entry->waiting;
  while (*end != nullptr) end = &(*end)->next;
  *end = frame;
  ++entry->n_waiting;
}

Buf* Neighbours::learn(std::uint8_t interface, const IpAddress& ip, const wire::MacAddress& mac, bool create,
                       Instant now, News news) noexcept {
  const bool answers = news == News::kOverride || news == News::kHint;
  const bool overrides = news == News::kOverride || news == News::kClaim;
  Entry* entry = find(interface, ip);
  if (entry == nullptr) {
    if (!create) return nullptr;
    entry = make(interface, ip, now);
    // Anybody may say so for as many as he likes: they give way to whom we speak with.
    if (!answers) entry->used = now - kReachable;
  } else if (entry->state != State::kIncomplete && entry->mac != mac) {
    // While an ARP question is open its answer decides.
    const bool locked = ip.is_v4() && (entry->state == State::kReachable ? now - entry->since < kLock : !answers);
    if (entry->fixed || locked || !overrides) {
      ++counters_.refused;
      // RFC 4861 7.2.5: the entry is STALE then, which here means asked about at its next use.
      const bool stale = !overrides && !entry->fixed && entry->state == State::kReachable;
      if (stale) entry->since = now - kReachable - Duration{1};
      return nullptr;
    }
  }
  if (!answers && (entry->state == State::kReachable || entry->state == State::kProbe)) {
    claim(*entry, mac, now);
    return nullptr;
  }
  ++counters_.learned;
  entry->mac = mac;
  entry->state = State::kReachable;
  entry->since = answers ? now : now - kReachable + kFirstProbeDelay;
  entry->solicited = 0;
  entry->doubted = false;
  entry->n_waiting = 0;
  return std::exchange(entry->waiting, nullptr);
}

// RFC 4861 7.2.3, 7.2.5: what is no answer confirms nothing, however often it is said; a question stays open.
void Neighbours::claim(Entry& entry, const wire::MacAddress& mac, Instant now) noexcept {
  if (entry.mac == mac) return;
  ++counters_.learned;
  entry.mac = mac;
  entry.doubted = true;
  if (entry.state == State::kReachable) entry.since = now - kReachable - Duration{1};
}

void Neighbours::confirm(std::uint8_t interface, const IpAddress& ip, Instant now) noexcept {
  Entry* entry = find(interface, ip);
  if (entry == nullptr || entry->state == State::kIncomplete || entry->doubted) return;
  entry->state = State::kReachable;
  entry->since = now;
  entry->solicited = 0;
}

Buf* Neighbours::fix(std::uint8_t interface, const IpAddress& ip, const wire::MacAddress& mac, Instant now) noexcept {
  Entry* entry = find(interface, ip);
  if (entry != nullptr) {
    entry->fixed = false;
    entry->since = now - kLock;
  }
  Buf* waiting = learn(interface, ip, mac, true, now);
  find(interface, ip)->fixed = true;
  return waiting;
}

}  // namespace sluice::stack
