// SPDX-License-Identifier: BSD-3-Clause
#include "engine/shard_loop.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "base/frame.h"

namespace sluice::engine {

ShardLoop::ShardLoop(unsigned index, const stack::StackConfig& config, std::vector<Attachment> attachments,
                     BufSource& buffers, const FlowSteering& steering, Fabric& fabric)
    : index_(index),
      attachments_(std::move(attachments)),
      steering_(steering),
      fabric_(fabric),
      stack_(config, buffers),
      bursts_(attachments_.size()),
      handed_over_(fabric.shards()),
      popped_(fabric.shards()),
      left_(attachments_.size()),
      autoconfigured_(std::make_unique<Snapshot<stack::Autoconfigured>[]>(attachments_.size())) {
  stack_.on_tx_full([this](std::size_t interface) { transmit(interface); });
  if (fabric.shards() > 1) {
    stack_.on_reassembled([this](std::size_t interface, Buf* frame) { return route_reassembled(interface, frame); });
  }
}

ShardLoop::~ShardLoop() {
  // Services may still hold Buffers; those go back before the stack does.
  stack_.abort_all();
  services_.clear();
  for (std::size_t i = 0; i < attachments_.size(); ++i) {
    stack::TxQueue& queue = stack_.tx(i);
    for (std::size_t k = 0; k < queue.count; ++k) drop_frame(queue.frames[k], stack_.bufs());
    queue.count = 0;
  }
  for (unsigned from = 0; from < fabric_.shards(); ++from) {
    fabric_.frames(from, index_).consume_all([this](const HandOver& item) {
      stack_.bufs().adopt(item.buf);
      drop_frame(item.buf, stack_.bufs());
    });
  }
}

void ShardLoop::add_service(std::unique_ptr<Service> service, const std::string& name) {
  stack_.add_service(*service, name);
  services_.push_back(std::move(service));
}

void ShardLoop::remove_last_service() {
  stack_.remove_last_service();
  services_.pop_back();
}

void ShardLoop::start(Instant now) {
  std::uint64_t speaks = 0;
  for (std::size_t i = 0; i < attachments_.size() && i < 64; ++i) {
    if (attachments_[i].speaks()) speaks |= std::uint64_t{1} << i;
  }
  stack_.start(now, speaks);
  for (const auto& service : services_) service->on_start(*this);
  publish();
}

void ShardLoop::fetch(Instant now) noexcept {
  for (std::size_t i = 0; i < attachments_.size(); ++i) {
    const Attachment& at = attachments_[i];
    if (at.owns) bursts_[i].n = at.port->receive(at.queue, bursts_[i].frames, now);
  }
  if (fabric_.shards() == 1) return;
  for (unsigned from = 0; from < fabric_.shards(); ++from) handed_over_[from] = fabric_.frames(from, index_).read_available();
}

bool ShardLoop::turn(Instant now) noexcept {
  ++loops_;
  bool busy = false;
  for (std::size_t i = 0; i < attachments_.size(); ++i) {
    if (bursts_[i].n == 0) continue;
    receive(i, now);
    busy = true;
  }
  if (fabric_.shards() > 1 && from_other_shards(now)) busy = true;
  if (run_tasks()) busy = true;
  if (stack_.advance(now, kTimerBudget)) busy = true;
  if (stack_.slaac_news() != 0) [[unlikely]] tell_autoconfigured();
  stack_.poll(now);
  if (!jobs_.empty()) [[unlikely]] run_jobs();
  if (draining_) [[unlikely]] {
    if (stack_.drain_some(kDrainsPerLoop)) busy = true;
    if (now >= drain_deadline_) stack_.reset_some(kResetsPerLoop);
  }
  for (std::size_t i = 0; i < attachments_.size(); ++i) {
    if (stack_.tx(i).count != 0) transmit(i);
  }
  if (busy) ++busy_loops_;
  if ((now - published_).ns >= kPublishNs) {
    published_ = now;
    publish();
  }
  return busy;
}

void ShardLoop::receive(std::size_t interface, Instant now) noexcept {
  Burst& burst = bursts_[interface];
  const std::span<Buf*> frames = std::span(burst.frames).first(std::exchange(burst.n, 0));
  rx_frames_ += frames.size();
  if (fabric_.shards() > 1) {
    steer(interface, frames, now);
    return;
  }
  for (Buf* frame : frames) stack_.bufs().adopt(frame);
  stack_.receive(interface, frames, now);
}

// Several shards: flows of others go to them (one queue for all), news about neighbours to everybody.
void ShardLoop::steer(std::size_t interface, std::span<Buf*> frames, Instant now) noexcept {
  const Attachment& at = attachments_[interface];
  std::size_t kept = 0;
  for (Buf* buf : frames) {
    stack_.bufs().adopt(buf);
    std::optional<unsigned> by_device;
    if (!at.steer) {
      by_device = index_;
    } else if ((buf->flags & kRxHash) != 0) {
      by_device = steering_.shard_of_hash(buf->hash);
    }
    const auto decision = steering_.classify({buf->data, buf->len}, by_device);
    if (decision.kind == FlowSteering::Class::kNeighbour) copy_to_others(interface, *buf);
    if (decision.kind != FlowSteering::Class::kFlow || decision.shard == index_) {
      mine_[kept++] = buf;
      continue;
    }
    const HandOver item{buf, static_cast<std::uint8_t>(interface), HandOver::Kind::kReceived};
    if (fabric_.frames(index_, decision.shard).push(item)) {
      stack_.bufs().disown();
      stack_.count_handed_over();
    } else {
      stack_.bufs().release(buf);
      stack_.count_elsewhere(tcp::Verdict::kHandOverFull);
    }
  }
  if (kept != 0) stack_.receive(interface, std::span(mine_).first(kept), now);
}

stack::Stack::Destination ShardLoop::route_reassembled(std::size_t interface, Buf* frame) noexcept {
  const auto decision = steering_.classify({frame->data, frame->len}, std::nullopt);
  if (decision.kind != FlowSteering::Class::kFlow || decision.shard == index_) return stack::Stack::Destination::kHere;
  const HandOver item{frame, static_cast<std::uint8_t>(interface), HandOver::Kind::kReceived};
  return fabric_.frames(index_, decision.shard).push(item) ? stack::Stack::Destination::kTaken
                                                           : stack::Stack::Destination::kFull;
}

void ShardLoop::copy_to_others(std::size_t interface, const Buf& buf) noexcept {
  for (unsigned to = 0; to < fabric_.shards(); ++to) {
    if (to == index_) continue;
    Buf* copy = stack_.bufs().take();
    if (copy == nullptr) return;  // counted by the pool; the shard asks for itself later
    if (copy->tailroom() < buf.len) {
      stack_.bufs().release(copy);
      return;
    }
    std::memcpy(copy->data, buf.data, buf.len);
    copy->len = buf.len;
    copy->port = buf.port;
    copy->flags = static_cast<std::uint16_t>(buf.flags & kRxVlan);
    copy->vlan_tci = buf.vlan_tci;
    if (fabric_.frames(index_, to).push({copy, static_cast<std::uint8_t>(interface), HandOver::Kind::kCopy})) {
      stack_.bufs().disown();
    } else {
      stack_.bufs().release(copy);
    }
  }
}

bool ShardLoop::from_other_shards(Instant now) noexcept {
  bool busy = false;
  for (unsigned from = 0; from < fabric_.shards(); ++from) {
    if (from == index_) continue;
    Fabric::Ring& ring = fabric_.frames(from, index_);
    HandOver item;
    for (std::size_t budget = std::min(handed_over_[from], 2 * kBurst); budget != 0 && ring.pop(item); --budget) {
      busy = true;
      ++popped_[from];
      stack_.bufs().adopt(item.buf);
      if (item.kind == HandOver::Kind::kToSend) {
        stack_.enqueue(item.interface, item.buf);
        continue;
      }
      stack_.receive(item.interface, std::span(&item.buf, 1), now, item.kind == HandOver::Kind::kCopy);
    }
  }
  return busy;
}

bool ShardLoop::run_tasks() noexcept {
  bool busy = false;
  for (unsigned from = 0; from <= fabric_.control(); ++from) {
    Fabric::Mailbox& mailbox = fabric_.tasks(from, index_);
    Task* task = nullptr;
    for (unsigned budget = 32; budget != 0 && mailbox.pop(task); --budget) {
      busy = true;
      (*task)(*this);
      delete task;
    }
  }
  return busy;
}

void ShardLoop::run_jobs() noexcept {
  for (std::size_t i = 0; i < jobs_.size();) {
    Job job = std::exchange(jobs_[i], {});  // it may add jobs, which moves the others
    if (job(*this)) {
      jobs_.erase(jobs_.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      jobs_[i++] = std::move(job);
    }
  }
}

// What ports that we speak on have by autoconfiguration now, to the statistics and to the other shards. Whom a full mailbox keeps
// from hearing it hears it in the next turn; what he heard twice does no harm.
void ShardLoop::tell_autoconfigured() noexcept {
  for (std::size_t i = 0; i < attachments_.size(); ++i) {
    const std::uint64_t bit = std::uint64_t{1} << i;
    if ((stack_.slaac_news() & bit) == 0) continue;
    const stack::Autoconfigured& has = stack_.autoconfigured(i);
    autoconfigured_[i].publish(has);
    bool all = true;
    for (unsigned to = 0; to < fabric_.shards(); ++to) {
      if (to == index_) continue;
      all = post(to, [i, has](Shard& shard) { static_cast<ShardLoop&>(shard).stack().follow(i, has); }) && all;
    }
    if (all) stack_.slaac_told(bit);
  }
}

// To the device, or to the shard that owns the queue. What is not taken waits for the next turn.
void ShardLoop::transmit(std::size_t interface) noexcept {
  const Attachment& at = attachments_[interface];
  stack::TxQueue& queue = stack_.tx(interface);
  std::size_t sent = 0;
  if (at.owns) {
    sent = at.port->transmit(at.queue, std::span(queue.frames).first(queue.count), stack_.bufs(), stack_.now());
    tx_frames_ += sent;
  } else {
    Fabric::Ring& ring = fabric_.frames(index_, at.owner);
    while (sent < queue.count &&
           ring.push({queue.frames[sent], static_cast<std::uint8_t>(interface), HandOver::Kind::kToSend})) {
      ++sent;
    }
  }
  for (std::size_t i = 0; i < sent; ++i) stack_.bufs().disown();
  std::copy(queue.frames.begin() + static_cast<std::ptrdiff_t>(sent),
            queue.frames.begin() + static_cast<std::ptrdiff_t>(queue.count), queue.frames.begin());
  queue.count -= sent;
  left_[interface] += sent;
}

std::vector<std::uint64_t> ShardLoop::queued_marks() {
  std::vector<std::uint64_t> marks = left_;
  for (std::size_t i = 0; i < marks.size(); ++i) marks[i] += stack_.tx(i).count;
  return marks;
}

bool ShardLoop::passed(const std::vector<std::uint64_t>& marks) const noexcept {
  return std::ranges::equal(left_, marks, std::ranges::greater_equal{});
}

// What left our queues is with the device, or in the ring of the shard that owns the device's queue: that one is then asked.
void ShardLoop::when_sent(std::function<void()> then) {
  std::vector<unsigned> owners;
  for (const Attachment& at : attachments_) {
    if (!at.owns && std::ranges::find(owners, at.owner) == owners.end()) owners.push_back(at.owner);
  }
  const Instant deadline = now() + kLastWords;
  add_job([marks = queued_marks(), owners, deadline, then = std::move(then), asked = std::size_t{0},
           answered = std::make_shared<std::size_t>(0)](ShardLoop& self) mutable {
    const bool late = self.now() >= deadline;
    if (!late && !self.passed(marks)) return false;
    const Task answer = [answered](Shard&) { ++*answered; };
    while (asked < owners.size() && self.post(owners[asked], [from = self.index_, deadline, answer](Shard& owner) {
      static_cast<ShardLoop&>(owner).when_relayed(from, deadline, answer);
    })) {
      ++asked;
    }
    if (!late && *answered < owners.size()) return false;
    then();
    return true;
  });
}

// Posts `then` back to `from` when the frames of its that lie in our ring have left our queues.
void ShardLoop::when_relayed(unsigned from, Instant deadline, Task then) {
  const std::uint64_t popped = popped_[from] + fabric_.frames(from, index_).read_available();
  add_job([popped, from, deadline, then = std::move(then), marks = std::vector<std::uint64_t>{}](ShardLoop& self) mutable {
    const bool late = self.now() >= deadline;
    if (!late && self.popped_[from] < popped) return false;
    if (marks.empty()) marks = self.queued_marks();
    if (!late && !self.passed(marks)) return false;
    return self.post(from, then) || late;
  });
}

void ShardLoop::begin_drain(Instant deadline) noexcept {
  draining_ = true;
  drain_deadline_ = deadline;
  stack_.start_drain();
}

bool ShardLoop::drained() const noexcept { return draining_ && stack_.live_connections() == 0 && !has_last_words(); }

bool ShardLoop::has_last_words() const noexcept {
  return has_pending() && stack_.now() < drain_deadline_ + kLastWords;
}

bool ShardLoop::has_pending() const noexcept {
  for (std::size_t i = 0; i < attachments_.size(); ++i) {
    if (stack_.tx(i).count != 0) return true;
  }
  for (unsigned from = 0; from < fabric_.shards(); ++from) {
    if (!fabric_.empty(from, index_)) return true;
  }
  return false;
}

bool ShardLoop::post(unsigned index, Task task) {
  if (index >= fabric_.shards()) return false;
  auto owned = std::make_unique<Task>(std::move(task));
  if (!fabric_.tasks(index_, index).push(owned.get())) return false;
  (void)owned.release();  // the mailbox's now
  return true;
}

void ShardLoop::publish() noexcept {
  ShardNumbers numbers;
  numbers.verdicts = stack_.verdicts();
  numbers.mib = stack_.counters().mib;
  numbers.states = stack_.states();
  stack_.read_counters(numbers.named);
  numbers.loops = loops_;
  numbers.busy_loops = busy_loops_;
  numbers.rx_frames = rx_frames_;
  numbers.tx_frames = tx_frames_;
  numbers.buffers_in_use = stack_.bufs().in_use();
  snapshot_.publish(numbers);
}

}  // namespace sluice::engine
