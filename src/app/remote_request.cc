// SPDX-License-Identifier: BSD-3-Clause
#include "app/remote_request.h"

#include <algorithm>
#include <array>

#include "app/options.h"

namespace sluice::app {
namespace {

constexpr std::uint64_t kMaxWaitMs = 1ULL << 40;  // 35 years

constexpr std::uint8_t kNoDigit = 16;

constexpr std::array<std::uint8_t, 256> kDigits = [] {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  for (unsigned i = 0; i < 10; ++i) digits['0' + i] = static_cast<std::uint8_t>(i);
  for (unsigned i = 0; i < 6; ++i) {
    digits['a' + i] = static_cast<std::uint8_t>(10 + i);
    digits['A' + i] = static_cast<std::uint8_t>(10 + i);
  }
  return digits;
}();

// Words between blanks, one after the other.
struct Words {
  std::string_view rest;

  // Empty: there is none left.
  std::string_view next() noexcept {
    const std::size_t begin = rest.find_first_not_of(" \t");
    if (begin == std::string_view::npos) {
      rest = {};
      return {};
    }
    rest.remove_prefix(begin);
    const std::string_view word = rest.substr(0, rest.find_first_of(" \t"));
    rest.remove_prefix(word.size());
    return word;
  }
  [[nodiscard]] bool done() const noexcept { return rest.find_first_not_of(" \t") == std::string_view::npos; }
};

bool parse_handle(std::string_view word, RemoteHandle& out) noexcept {
  if (word.size() < 2 || (word[0] != 'C' && word[0] != 'L')) return false;
  const auto number = parse_decimal(word.substr(1));
  if (!number) return false;
  out = RemoteHandle{word[0], *number};
  return true;
}

bool parse_wait(std::string_view value, RemoteRequest& out) noexcept {
  const auto ms = parse_decimal(value, kMaxWaitMs);
  if (!ms) return false;
  out.wait = Duration::milliseconds(static_cast<std::int64_t>(*ms));
  return true;
}

bool parse_endpoint(std::string_view word, Endpoint& out) {
  const Result<Endpoint> endpoint = Endpoint::parse(word);
  if (!endpoint) return false;
  out = *endpoint;
  return true;
}

Errc parse_option(std::string_view name, std::string_view value, RemoteRequest& out) {
  const RemoteOption* option = find_remote_option(name);
  if (option == nullptr) return Errc::kNoProtocolOption;
  const auto number = parse_remote_value(*option, value);
  if (!number) return Errc::kInvalid;
  out.options.emplace_back(option, *number);
  return Errc::kOk;
}

// What follows the address of listen and connect.
Errc parse_settings(Words& words, RemoteRequest& out) {
  Errc result = Errc::kOk;
  for (std::string_view word = words.next(); !word.empty(); word = words.next()) {
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) return Errc::kInvalid;
    const std::string_view name = word.substr(0, equals);
    const std::string_view value = word.substr(equals + 1);
    if (out.verb == Verb::kListen && name == "backlog") {
      const auto backlog = parse_decimal(value, INT32_MAX);
      if (!backlog) return Errc::kInvalid;
      out.backlog = static_cast<std::uint32_t>(*backlog);
    } else if (out.verb == Verb::kConnect && name == "from") {
      if (!parse_endpoint(value, out.from)) return Errc::kInvalid;
    } else if (out.verb == Verb::kConnect && name == "wait_ms") {
      if (!parse_wait(value, out)) return Errc::kInvalid;
    } else if (const Errc error = parse_option(name, value, out); error == Errc::kInvalid) {
      return error;
    } else if (error != Errc::kOk) {
      result = error;
    }
  }
  return result;
}

Errc parse_listen(Words& words, RemoteRequest& out) {
  if (!parse_endpoint(words.next(), out.endpoint)) return Errc::kInvalid;
  return parse_settings(words, out);
}

Errc parse_connect(Words& words, RemoteRequest& out) {
  if (!parse_endpoint(words.next(), out.endpoint) || out.endpoint.port == 0) return Errc::kInvalid;
  out.from.address = out.endpoint.address.is_v4() ? IpAddress::v4(0, 0, 0, 0) : IpAddress{};
  if (const Errc error = parse_settings(words, out); error != Errc::kOk) return error;
  return out.from.address.is_v4() == out.endpoint.address.is_v4() ? Errc::kOk : Errc::kInvalid;
}

Errc parse_send(Words& words, RemoteRequest& out) {
  constexpr std::string_view kFill = "fill=";
  const std::string_view word = words.next();
  if (word.empty() || !words.done()) return Errc::kInvalid;
  if (word.starts_with(kFill)) {
    const auto count = parse_decimal(word.substr(kFill.size()));
    if (!count) return Errc::kInvalid;
    out.fill = *count;
    return Errc::kOk;
  }
  auto data = parse_hex(word);
  if (!data || data->size() > kRemoteDataMax) return Errc::kInvalid;
  out.data = std::move(*data);
  return Errc::kOk;
}

// accept, recv and poll: what stands behind the handle, in any order.
Errc parse_flags(Words& words, RemoteRequest& out) {
  constexpr std::string_view kWait = "wait_ms=";
  for (std::string_view word = words.next(); !word.empty(); word = words.next()) {
    if (word.starts_with(kWait)) {
      if (!parse_wait(word.substr(kWait.size()), out)) return Errc::kInvalid;
    } else if (out.verb == Verb::kRecv && word == "peek") {
      out.peek = true;
    } else if (out.verb == Verb::kPoll && word == "in") {
      out.in = true;
    } else if (out.verb == Verb::kPoll && word == "out") {
      out.out = true;
    } else {
      return Errc::kInvalid;
    }
  }
  if (!out.in && !out.out) out.in = out.out = true;
  return Errc::kOk;
}

Errc parse_recv(Words& words, RemoteRequest& out) {
  const auto max = parse_decimal(words.next());
  if (!max) return Errc::kInvalid;
  out.max = static_cast<std::size_t>(std::min<std::uint64_t>(*max, kRemoteDataMax));
  return parse_flags(words, out);
}

Errc parse_shutdown(Words& words, RemoteRequest& out) {
  const std::string_view how = words.next();
  if (!words.done()) return Errc::kInvalid;
  out.read = how == "rd" || how == "rdwr";
  out.write = how == "wr" || how == "rdwr";
  return out.read || out.write ? Errc::kOk : Errc::kInvalid;
}

Errc parse_set(Words& words, RemoteRequest& out) {
  const std::string_view name = words.next();
  const std::string_view value = words.next();
  if (value.empty() || !words.done()) return Errc::kInvalid;
  return parse_option(name, value, out);
}

Errc parse_get(Words& words, RemoteRequest& out) {
  out.name = words.next();
  if (out.name.empty() || !words.done()) return Errc::kInvalid;
  const bool known = out.name == "error" || find_remote_option(out.name) != nullptr ||
                     format_info(ConnectionInfo{}, out.name).has_value();
  return known ? Errc::kOk : Errc::kNoProtocolOption;
}

Errc parse_nothing(Words& words, RemoteRequest&) { return words.done() ? Errc::kOk : Errc::kInvalid; }

struct Form {
  std::string_view word;
  Verb verb;
  std::string_view handles;  // letters that may follow; empty: none does
  Errc (*parse)(Words& words, RemoteRequest& out);
};

constexpr std::array<Form, 12> kForms = {{
    {"listen", Verb::kListen, "", parse_listen},
    {"accept", Verb::kAccept, "L", parse_flags},
    {"connect", Verb::kConnect, "", parse_connect},
    {"send", Verb::kSend, "C", parse_send},
    {"recv", Verb::kRecv, "C", parse_recv},
    {"poll", Verb::kPoll, "CL", parse_flags},
    {"shutdown", Verb::kShutdown, "C", parse_shutdown},
    {"close", Verb::kClose, "CL", parse_nothing},
    {"abort", Verb::kAbort, "C", parse_nothing},
    {"set", Verb::kSet, "CL", parse_set},
    {"get", Verb::kGet, "CL", parse_get},
    {"reset", Verb::kReset, "", parse_nothing},
}};

}  // namespace

Errc parse_remote_line(std::string_view line, RemoteRequest& out) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  Words words{line};
  const std::string_view verb = words.next();
  for (const Form& form : kForms) {
    if (form.word != verb) continue;
    out.verb = form.verb;
    if (!form.handles.empty()) {
      if (!parse_handle(words.next(), out.handle)) return Errc::kInvalid;
      if (form.handles.find(out.handle.kind) == std::string_view::npos) return Errc::kInvalid;
    }
    return form.parse(words, out);
  }
  return Errc::kInvalid;
}

void append_hex(std::string& out, std::span<const std::byte> bytes) {
  constexpr std::string_view kDigitText = "0123456789abcdef";
  const std::size_t begin = out.size();
  out.resize(begin + 2 * bytes.size());
  char* at = out.data() + begin;
  for (const std::byte byte : bytes) {
    *at++ = kDigitText[static_cast<std::uint8_t>(byte) >> 4U];
    *at++ = kDigitText[static_cast<std::uint8_t>(byte) & 15U];
  }
}

std::optional<std::vector<std::byte>> parse_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::vector<std::byte> bytes(text.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const unsigned high = kDigits[static_cast<unsigned char>(text[2 * i])];
    const unsigned low = kDigits[static_cast<unsigned char>(text[2 * i + 1])];
    if (high == kNoDigit || low == kNoDigit) return std::nullopt;
    bytes[i] = static_cast<std::byte>(high * 16 + low);
  }
  return bytes;
}

}  // namespace sluice::app
