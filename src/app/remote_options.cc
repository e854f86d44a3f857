// SPDX-License-Identifier: BSD-3-Clause
#include "app/remote_options.h"

#include <array>

#include "app/options.h"

namespace sluice::app {
namespace {

constexpr RemoteOption takes(Option option) noexcept {
  const limits::Range range = option_range(option);
  return {option_name(option), option, range.min, range.max};
}

constexpr std::array<RemoteOption, 15> kOptions = {
    takes(Option::kNodelay),
    takes(Option::kCork),
    takes(Option::kKeepalive),
    takes(Option::kKeepidleS),
    takes(Option::kKeepintvlS),
    takes(Option::kKeepcnt),
    takes(Option::kMss),
    takes(Option::kRcvbuf),
    takes(Option::kSndbuf),
    takes(Option::kUserTimeoutMs),
    takes(Option::kLingerS),
    takes(Option::kCongestion),
    takes(Option::kQuickack),
    takes(Option::kTtl),
    takes(Option::kDscp),
};

}  // namespace

const RemoteOption* find_remote_option(std::string_view name) noexcept {
  for (const RemoteOption& option : kOptions) {
    if (option.name == name) return &option;
  }
  return nullptr;
}

std::optional<std::int64_t> parse_remote_value(const RemoteOption& option, std::string_view text) noexcept {
  if (option.option == Option::kCongestion) {
    const auto algorithm = find_congestion_control(text);
    if (!algorithm) return std::nullopt;
    return static_cast<std::int64_t>(*algorithm);
  }
  if (option.option == Option::kLingerS && text == "off") return -1;
  const auto number = parse_decimal(text, static_cast<std::uint64_t>(option.max));
  if (!number || static_cast<std::int64_t>(*number) < option.min) return std::nullopt;
  return static_cast<std::int64_t>(*number);
}

std::string format_remote_value(const RemoteOption& option, std::int64_t value) {
  if (option.option == Option::kCongestion) return congestion_control_name(static_cast<CongestionControl>(value));
  if (option.option == Option::kLingerS && value < 0) return "off";
  return std::to_string(value);
}

void put_remote_option(SocketOptions& options, const RemoteOption& option, std::int64_t value) noexcept {
  const auto number = static_cast<std::uint32_t>(value);
  switch (option.option) {
    case Option::kNodelay: options.nodelay = value != 0; return;
    case Option::kCork: options.cork = value != 0; return;
    case Option::kKeepalive: options.keepalive.enabled = value != 0; return;
    case Option::kKeepidleS: options.keepalive.idle_s = number; return;
    case Option::kKeepintvlS: options.keepalive.interval_s = number; return;
    case Option::kKeepcnt: options.keepalive.probes = number; return;
    case Option::kMss: options.mss = static_cast<std::uint16_t>(value); return;
    case Option::kRcvbuf: options.rcvbuf = number; return;
    case Option::kSndbuf: options.sndbuf = number; return;
    case Option::kUserTimeoutMs: options.user_timeout_ms = number; return;
    case Option::kLingerS: options.linger_s = static_cast<std::int32_t>(value); return;
    case Option::kQuickack: options.quickack = value != 0; return;
    case Option::kCongestion: options.congestion_control = static_cast<CongestionControl>(value); return;
    case Option::kTtl: options.ttl = static_cast<std::uint8_t>(value); return;
    case Option::kDscp: options.dscp = static_cast<std::uint8_t>(value); return;
  }
}

std::optional<std::string> format_info(const ConnectionInfo& info, std::string_view name) {
  struct Number {
    std::string_view name;
    std::uint32_t ConnectionInfo::* field;
  };
  static constexpr std::array<Number, 10> kNumbers = {{
      {"snd_una", &ConnectionInfo::snd_una},
      {"snd_nxt", &ConnectionInfo::snd_nxt},
      {"snd_wnd", &ConnectionInfo::snd_wnd},
      {"rcv_nxt", &ConnectionInfo::rcv_nxt},
      {"rcv_wnd", &ConnectionInfo::rcv_wnd},
      {"cwnd", &ConnectionInfo::cwnd},
      {"ssthresh", &ConnectionInfo::ssthresh},
      {"srtt_us", &ConnectionInfo::srtt_us},
      {"rto_us", &ConnectionInfo::rto_us},
      {"retransmits", &ConnectionInfo::retransmits},
  }};
  for (const Number& number : kNumbers) {
    if (number.name == name) return std::to_string(info.*number.field);
  }
  if (name == "local") return info.local.to_string();
  if (name == "peer") return info.peer.to_string();
  if (name == "state") return state_name(info.state);
  return std::nullopt;
}

}  // namespace sluice::app
