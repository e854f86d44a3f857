// SPDX-License-Identifier: BSD-3-Clause
// Parameters of connections: shared by those of one listener, copied when one of them
// changes an option. Control path.
#include <tuple>

#include "base/out_of_range.h"
#include "stack/stack.h"

namespace sluice::stack {

namespace {

// The one place that knows which field an option is.
Result<void> apply(tcp::Params& params, Option option, std::int64_t value) {
  const char* name = option_name(option);
  if (name == nullptr) return Error{Errc::kNoProtocolOption, "no such option"};
  if (const limits::Range range = option_range(option); !range.contains(value)) return out_of_range(name, value, range);
  switch (option) {
    case Option::kNodelay: params.nodelay = value != 0; break;
    case Option::kCork: params.cork = value != 0; break;
    // Where silence is told to the application its timeout stands in keepalive's place, and nobody is probed.
    case Option::kKeepalive: params.keepalive = value != 0 || params.idle_ends; break;
    case Option::kKeepidleS:
      if (!params.idle_ends) params.keepidle_ms = static_cast<std::uint32_t>(value * 1000);
      break;
    case Option::kKeepintvlS: params.keepintvl_ms = static_cast<std::uint32_t>(value * 1000); break;
    case Option::kKeepcnt: params.keepcnt = static_cast<std::uint8_t>(value); break;
    case Option::kMss: params.mss = static_cast<std::uint16_t>(value); break;
    case Option::kRcvbuf: params.rcvbuf = static_cast<std::uint32_t>(value); break;
    case Option::kSndbuf: params.sndbuf = static_cast<std::uint32_t>(value); break;
    case Option::kUserTimeoutMs: params.user_timeout_ms = static_cast<std::uint32_t>(value); break;
    case Option::kLingerS: params.linger_s = static_cast<std::int32_t>(value); break;
    case Option::kQuickack: params.quickack = value != 0; break;
    case Option::kCongestion: params.congestion = static_cast<CongestionControl>(value); break;
    case Option::kTtl: params.ip.ttl = static_cast<std::uint8_t>(value); break;
    case Option::kDscp: params.ip.dscp = static_cast<std::uint8_t>(value); break;
  }
  return {};
}

std::int64_t read(const tcp::Params& params, Option option) noexcept {
  switch (option) {
    case Option::kNodelay: return params.nodelay ? 1 : 0;
    case Option::kCork: return params.cork ? 1 : 0;
    case Option::kKeepalive: return params.keepalive ? 1 : 0;
    case Option::kKeepidleS: return params.keepidle_ms / 1000;
    case Option::kKeepintvlS: return params.keepintvl_ms / 1000;
    case Option::kKeepcnt: return params.keepcnt;
    case Option::kMss: return params.mss;
    case Option::kRcvbuf: return params.rcvbuf;
    case Option::kSndbuf: return params.sndbuf;
    case Option::kUserTimeoutMs: return params.user_timeout_ms;
    case Option::kLingerS: return params.linger_s;
    case Option::kQuickack: return params.quickack ? 1 : 0;
    case Option::kCongestion: return static_cast<std::int64_t>(params.congestion);
    case Option::kTtl: return params.ip.ttl;
    case Option::kDscp: return params.ip.dscp;
  }
  return 0;
}

}  // namespace

std::uint16_t Stack::make_params(const tcp::Params& params) noexcept {
  const std::uint32_t index = params_.take();
  if (index == kNoIndex) return kNoParams;
  params_[index] = params;
  params_[index].refs = 1;
  return static_cast<std::uint16_t>(index);
}

namespace {
auto options_in(const tcp::Params& p) noexcept {
  return std::tuple(p.rcvbuf, p.sndbuf, p.keepidle_ms, p.keepintvl_ms, p.user_timeout_ms, p.msl_ms, p.linger_s, p.mss,
                    p.service, p.keepcnt, p.keepalive, p.idle_ends, p.nodelay, p.cork, p.quickack, p.congestion, p.pacing, p.ip);
}
}  // namespace

// Connections that ask for the same share one set: a million active opens need one, not a million.
std::uint16_t Stack::share_params(const tcp::Params& params) noexcept {
  for (const std::uint16_t index : recent_params_) {
    if (index == kNoParams || params_[index].refs == 0 || options_in(params_[index]) != options_in(params)) continue;
    ++params_[index].refs;
    return index;
  }
  const std::uint16_t index = make_params(params);
  recent_params_[next_recent_++ % recent_params_.size()] = index;
  return index;
}

void Stack::unref_params(std::uint16_t index) noexcept {
  if (--params_[index].refs == 0) params_.give(index);
}

Result<void> Stack::check_options(const SocketOptions& options) {
  Result<void> result;
  const auto number = [&result](const char* name, std::int64_t value, limits::Range range) {
    if (range.contains(value)) [[likely]] return true;
    result = out_of_range(name, value, range);
    return false;
  };
  // 0: the configuration's, or what the MTU gives.
  const auto number_or_zero = [&result](const char* name, std::int64_t value, limits::Range range) {
    if (value == 0 || range.contains(value)) [[likely]] return true;
    result = out_of_range_or_zero(name, value, range);
    return false;
  };
  const KeepaliveConfig& keepalive = options.keepalive;
  (void)(number("keepalive.idle_s", keepalive.idle_s, limits::kKeepaliveS) &&
         number("keepalive.interval_s", keepalive.interval_s, limits::kKeepaliveS) &&
         number("keepalive.probes", keepalive.probes, limits::kKeepaliveProbes) &&
         number_or_zero("mss", options.mss, limits::kMss) &&
         number_or_zero("rcvbuf", options.rcvbuf, limits::kSocketBufferBytes) &&
         number_or_zero("sndbuf", options.sndbuf, limits::kSocketBufferBytes) &&
         number("user_timeout_ms", options.user_timeout_ms, limits::kUserTimeoutMs) &&
         number("idle_timeout_s", options.idle_timeout_s, limits::kIdleTimeoutS) &&
         number("linger_s", options.linger_s, limits::kLingerS) &&
         number("congestion_control", static_cast<std::int64_t>(options.congestion_control), limits::kCongestion) &&
         (!options.ttl || number("ttl", *options.ttl, limits::kTtl)) &&
         (!options.dscp || number("dscp", *options.dscp, limits::kDscp)));
  return result;
}

tcp::Params Stack::params_from(const SocketOptions& options, std::uint16_t service) const noexcept {
  tcp::Params params;
  params.rcvbuf = options.rcvbuf != 0 ? options.rcvbuf : config_.rcvbuf;
  params.sndbuf = options.sndbuf != 0 ? options.sndbuf : config_.sndbuf;
  params.keepidle_ms = options.keepalive.idle_s * 1000;
  params.keepintvl_ms = options.keepalive.interval_s * 1000;
  params.keepcnt = static_cast<std::uint8_t>(options.keepalive.probes);
  params.keepalive = options.keepalive.enabled;
  if (options.idle_timeout_s != 0) {
    params.keepidle_ms = options.idle_timeout_s * 1000;
    params.keepalive = params.idle_ends = true;
  }
  params.user_timeout_ms = options.user_timeout_ms;
  params.msl_ms = config_.msl_ms;
  params.linger_s = options.linger_s;
  params.mss = options.mss;
  params.nodelay = options.nodelay;
  params.cork = options.cork;
  params.quickack = options.quickack;
  params.congestion = options.congestion_control;
  params.pacing = options.pacing;
  params.ecn = config_.ecn;
  params.ip = {options.ttl.value_or(config_.ip.ttl), options.dscp.value_or(config_.ip.dscp)};
  params.service = service;
  return params;
}

Result<void> Stack::set_option(tcp::Tcb& tcb, Option option, std::int64_t value) {
  tcp::Params changed = params_[tcb.params];
  if (auto result = apply(changed, option, value); !result) return result;
  if (params_[tcb.params].refs == 1) {
    params_[tcb.params] = changed;
  } else {
    const std::uint16_t own = share_params(changed);
    if (own == kNoParams) return Error{Errc::kNoMemory, "too many connections with options of their own"};
    unref_params(tcb.params);
    tcb.params = own;
  }
  tcp::params_changed(tcb, env_);
  after_call(tcb);
  return {};
}

Result<std::int64_t> Stack::get_option(const tcp::Tcb& tcb, Option option) const {
  if (option == Option::kMss) return std::int64_t{tcb.mss};
  return read(params_[tcb.params], option);
}

Result<void> Stack::set_listener(ListenerId id, Option option, std::int64_t value) {
  if (id.value == 0 || id.value > listeners_.size() || !listeners_[static_cast<std::uint16_t>(id.value - 1)].open) {
    return Error{Errc::kBadHandle, "no such listener"};
  }
  Listener& listener = listeners_[static_cast<std::uint16_t>(id.value - 1)];
  tcp::Params changed = params_[listener.params];
  if (auto result = apply(changed, option, value); !result) return result;
  const std::uint16_t fresh = make_params(changed);  // connections that exist keep theirs
  if (fresh == kNoParams) return Error{Errc::kNoMemory, "too many sets of options"};
  unref_params(listener.params);
  listener.params = fresh;
  return {};
}

Result<std::int64_t> Stack::get_listener(ListenerId id, Option option) const {
  if (id.value == 0 || id.value > listeners_.size() || !listeners_[static_cast<std::uint16_t>(id.value - 1)].open) {
    return Error{Errc::kBadHandle, "no such listener"};
  }
  return read(params_[listeners_[static_cast<std::uint16_t>(id.value - 1)].params], option);
}

}  // namespace sluice::stack
