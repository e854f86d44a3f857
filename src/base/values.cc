// SPDX-License-Identifier: BSD-3-Clause
// What the public value headers declare and every layer needs: names of errors and
// states, and addresses as text. Control path only, any thread.
#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "sluice/config.h"
#include "sluice/connection.h"
#include "sluice/error.h"
#include "sluice/version.h"

namespace sluice {

const char* version() noexcept { return SLUICE_VERSION; }

const char* errno_name(Errc code) noexcept {
  switch (code) {
    case Errc::kOk: return "0";
    case Errc::kAgain: return "EAGAIN";
    case Errc::kBadHandle: return "EBADF";
    case Errc::kInvalid: return "EINVAL";
    case Errc::kNoProtocolOption: return "ENOPROTOOPT";
    case Errc::kNoMemory: return "ENOBUFS";
    case Errc::kAddressInUse: return "EADDRINUSE";
    case Errc::kAddressNotAvailable: return "EADDRNOTAVAIL";
    case Errc::kNotConnected: return "ENOTCONN";
    case Errc::kBrokenPipe: return "EPIPE";
    case Errc::kConnectionRefused: return "ECONNREFUSED";
    case Errc::kConnectionReset: return "ECONNRESET";
    case Errc::kConnectionAborted: return "ECONNABORTED";
    case Errc::kTimedOut: return "ETIMEDOUT";
    case Errc::kHostUnreachable: return "EHOSTUNREACH";
    case Errc::kNetUnreachable: return "ENETUNREACH";
    case Errc::kNoDevice: return "ENODEV";
    case Errc::kBusy: return "EBUSY";
    case Errc::kPermission: return "EPERM";
    case Errc::kIo: return "EIO";
  }
  return "EINVAL";
}

namespace {
struct AlgorithmName {
  std::string_view name;
  CongestionControl algorithm;
};
// By value; then other names of the same.
constexpr AlgorithmName kAlgorithms[] = {
    {"newreno", CongestionControl::kNewReno},
    {"cubic", CongestionControl::kCubic},
    {"dctcp", CongestionControl::kDctcp},
    {"bbr", CongestionControl::kBbr},
    {"reno", CongestionControl::kNewReno},
};
}  // namespace

const char* congestion_control_name(CongestionControl algorithm) noexcept {
  return kAlgorithms[static_cast<std::size_t>(algorithm)].name.data();
}

std::optional<CongestionControl> find_congestion_control(std::string_view name) noexcept {
  for (const AlgorithmName& row : kAlgorithms) {
    if (row.name == name) return row.algorithm;
  }
  return std::nullopt;
}

const char* state_name(State state) noexcept {
  switch (state) {
    case State::kClosed: return "CLOSED";
    case State::kListen: return "LISTEN";
    case State::kSynSent: return "SYN_SENT";
    case State::kSynRcvd: return "SYN_RCVD";
    case State::kEstablished: return "ESTABLISHED";
    case State::kFinWait1: return "FIN_WAIT_1";
    case State::kFinWait2: return "FIN_WAIT_2";
    case State::kCloseWait: return "CLOSE_WAIT";
    case State::kClosing: return "CLOSING";
    case State::kLastAck: return "LAST_ACK";
    case State::kTimeWait: return "TIME_WAIT";
  }
  return "?";
}

namespace {

// Messages follow the configuration's form: what is wrong (the value); remedy.
Error bad_value(std::string_view what, std::string_view text, std::string_view remedy) {
  return Error{Errc::kInvalid, std::string(what) + " (" + std::string(text) + "); " + std::string(remedy)};
}

// Decimal digits only: no sign, no blank, nothing left over.
bool parse_number(std::string_view text, unsigned max, unsigned& out) {
  if (text.empty() || !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() && out <= max;
}

}  // namespace

Result<IpAddress> IpAddress::parse(std::string_view text) {
  constexpr const char* kRemedy = "write an address like 10.0.0.1 or fd00::1";
  // inet_pton wants a terminated string, so a NUL inside would hide what follows it.
  if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos) {
    return bad_value("not an IP address", text, kRemedy);
  }
  const std::string terminated(text);
  IpAddress address = IpAddress::v4(0, 0, 0, 0);
  if (inet_pton(AF_INET, terminated.c_str(), address.bytes.data() + 12) == 1) return address;
  if (inet_pton(AF_INET6, terminated.c_str(), address.bytes.data()) != 1) {
    return bad_value("not an IP address", text, kRemedy);
  }
  // RFC 4291 2.5.5.2: the mapped form stands for an IPv4 node and is no address on the wire.
  if (address.is_v4()) return bad_value("an IPv4-mapped IPv6 address", text, "write " + address.to_string());
  return address;
}

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (is_v4()) {
    inet_ntop(AF_INET, bytes.data() + 12, text, sizeof text);
  } else {
    inet_ntop(AF_INET6, bytes.data(), text, sizeof text);
  }
  return text;
}

Result<Endpoint> Endpoint::parse(std::string_view text) {
  constexpr const char* kRemedy = "write IP:PORT, like 10.0.0.1:80 or [fd00::1]:80";
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad_value("not an endpoint", text, kRemedy);
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const Result<IpAddress> address = IpAddress::parse(host);
  // Brackets belong to IPv6 and to nothing else: fd00::1:80 would be ambiguous.
  if (!address.ok() || bracketed == address->is_v4()) return bad_value("not an endpoint", text, kRemedy);
  unsigned port = 0;
  if (!parse_number(text.substr(colon + 1), 65535, port)) {
    return bad_value("not a port", text, "write a port from 0 to 65535 after the last colon");
  }
  return Endpoint{*address, static_cast<std::uint16_t>(port)};
}

std::string Endpoint::to_string() const {
  const std::string host = address.to_string();
  return (address.is_v4() ? host : "[" + host + "]") + ":" + std::to_string(port);
}

Result<InterfaceAddress> InterfaceAddress::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const Result<IpAddress> address = IpAddress::parse(text.substr(0, slash));
  if (!address.ok()) {
    return bad_value("not an interface address", text, "write IP/PREFIX, like 10.0.0.1/24 or fd00::1/64");
  }
  const auto max = static_cast<unsigned>((address->is_v4() ? limits::kPrefixV4 : limits::kPrefixV6).max);
  if (slash == std::string_view::npos) {
    const char* example = address->is_v4() ? "/24" : "/64";
    return bad_value("no prefix length", text, "write it after a slash, like " + std::string(text) + example);
  }
  unsigned prefix_len = 0;
  if (!parse_number(text.substr(slash + 1), max, prefix_len)) {
    return bad_value("not a prefix length", text, "write one from 0 to " + std::to_string(max) + " after the slash");
  }
  return InterfaceAddress{*address, static_cast<std::uint8_t>(prefix_len)};
}

std::string InterfaceAddress::to_string() const { return address.to_string() + "/" + std::to_string(prefix_len); }

Result<Route> Route::parse(std::string_view text) {
  constexpr std::string_view kVia = " via ";
  constexpr const char* kRemedy = "write NETWORK/PREFIX via ROUTER, like 10.9.0.0/16 via 10.77.0.254";
  const std::size_t via = text.find(kVia);
  if (via == std::string_view::npos) return bad_value("not a route", text, kRemedy);
  const Result<InterfaceAddress> to = InterfaceAddress::parse(text.substr(0, via));
  if (!to.ok()) return to.error();
  const Result<IpAddress> router = IpAddress::parse(text.substr(via + kVia.size()));
  if (!router.ok()) return router.error();
  if (to->address.is_v4() != router->is_v4()) {
    return bad_value("a route between two families", text, "write network and router both IPv4 or both IPv6");
  }
  for (unsigned i = to->prefix_len + (to->address.is_v4() ? 96U : 0U); i < 128; ++i) {
    if ((to->address.bytes[i / 8] & (0x80U >> i % 8)) != 0) {
      return bad_value("not a network", text, "make the bits behind the prefix zero");
    }
  }
  return Route{*to, *router};
}

std::string Route::to_string() const { return to.to_string() + " via " + via.to_string(); }

}  // namespace sluice
