// SPDX-License-Identifier: BSD-3-Clause
#include "app/http_request.h"

#include <algorithm>
#include <array>
#include <utility>

#include "app/options.h"

namespace sluice::app {
namespace {

constexpr unsigned kIncomplete = 0;
constexpr unsigned kOk = 200;
constexpr std::size_t kMaxMethod = 24;

// RFC 9110 5.6.2 tchar, 5.5 field-content with blanks and obs-text, and what may stand in a target.
constexpr std::uint8_t kToken = 1;
constexpr std::uint8_t kValue = 2;
constexpr std::uint8_t kTarget = 4;

constexpr std::array<std::uint8_t, 256> kClasses = [] {
  std::array<std::uint8_t, 256> classes{};
  constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";
  for (unsigned c = 0; c < 256; ++c) {
    const bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (alnum || kTokenMarks.find(static_cast<char>(c)) != std::string_view::npos) classes[c] |= kToken;
    if (c == '\t' || (c >= ' ' && c != 0x7f)) classes[c] |= kValue;
    if (c > ' ' && c < 0x7f) classes[c] |= kTarget;
  }
  return classes;
}();

struct Scanner {
  const char* at;
  const char* end;

  [[nodiscard]] bool done() const noexcept { return at == end; }
  std::string_view run(std::uint8_t wanted) noexcept {
    const char* begin = at;
    while (at != end && (kClasses[static_cast<unsigned char>(*at)] & wanted) != 0) ++at;
    return {begin, static_cast<std::size_t>(at - begin)};
  }
  // CRLF, or a bare LF as RFC 9112 2.2 allows.
  unsigned line_end() noexcept {
    if (at != end && *at == '\r') ++at;
    if (done()) return kIncomplete;
    if (*at != '\n') return 400;
    ++at;
    return kOk;
  }
};

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

bool same(std::string_view text, std::string_view lower_case) noexcept {
  return std::ranges::equal(text, lower_case, {}, lower);
}

std::string_view trimmed(std::string_view text) noexcept {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

// The comma-separated list holds `token`.
bool lists(std::string_view list, std::string_view token) noexcept {
  for (;;) {
    const std::size_t comma = list.find(',');
    if (same(trimmed(list.substr(0, comma)), token)) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

Method method_of(std::string_view name) noexcept {
  if (name == "GET") return Method::kGet;
  if (name == "HEAD") return Method::kHead;
  constexpr std::array<std::string_view, 7> kKnown = {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH"};
  return std::ranges::find(kKnown, name) != kKnown.end() ? Method::kNotAllowed : Method::kUnknown;
}

// What headers say together about the request.
struct Fields {
  unsigned minor = 1;
  bool close = false;
  bool keep_alive = false;
  bool has_length = false;
  bool has_host = false;
  bool expects = false;
  unsigned transfer_status = kOk;  // not kOk: a Transfer-Encoding that is refused so
  std::uint64_t length = 0;
};

unsigned length_field(std::string_view value, Fields& fields) noexcept {
  const auto number = parse_decimal(value);
  const bool digits = !value.empty() && std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || (fields.has_length && number && *number != fields.length)) return 400;
  if (!number || *number > kMaxRequestBody) return 413;
  fields.has_length = true;
  fields.length = *number;
  return kOk;
}

unsigned field(std::string_view name, std::string_view raw_value, Fields& fields) noexcept {
  switch (name.size()) {
    case 4:
      // RFC 9112 3.2: two of them are how a request means one thing to us and another to who forwarded it.
      if (same(name, "host") && std::exchange(fields.has_host, true)) return 400;
      break;
    case 6:
      if (same(name, "expect")) fields.expects = true;
      break;
    case 10:
      if (!same(name, "connection")) break;
      fields.close = fields.close || lists(raw_value, "close");
      fields.keep_alive = fields.keep_alive || lists(raw_value, "keep-alive");
      break;
    case 14:
      if (same(name, "content-length")) return length_field(trimmed(raw_value), fields);
      break;
    case 17:
      // RFC 9110 5.3: several are one list, and only a list of chunked alone asks for a length instead.
      if (same(name, "transfer-encoding")) {
        fields.transfer_status = fields.transfer_status == kOk && same(trimmed(raw_value), "chunked") ? 411 : 501;
      }
      break;
    default: break;
  }
  return kOk;
}

unsigned request_line(Scanner& in, Request& out, Fields& fields) noexcept {
  const std::string_view method = in.run(kToken);
  if (method.size() > kMaxMethod) return 501;
  if (in.done()) return kIncomplete;
  if (method.empty() || *in.at++ != ' ') return 400;
  out.method = method_of(method);

  out.target = in.run(kTarget);
  if (out.target.size() > kMaxTarget) return 414;
  if (in.done()) return kIncomplete;
  if (out.target.empty() || *in.at++ != ' ') return 400;

  constexpr std::string_view kVersion = "HTTP/1.";
  const std::string_view version(in.at, std::min<std::size_t>(8, static_cast<std::size_t>(in.end - in.at)));
  const std::size_t same_bytes = std::min(version.size(), kVersion.size());
  if (version.substr(0, same_bytes) != kVersion.substr(0, same_bytes)) {
    const bool other_version = version.size() == 8 && version.starts_with("HTTP/") && version[6] == '.' &&
                               version[5] >= '0' && version[5] <= '9' && version[7] >= '0' && version[7] <= '9';
    if (version.size() < 8 && version.starts_with("HTTP/")) return kIncomplete;
    return other_version ? 505 : 400;
  }
  if (version.size() < 8) return kIncomplete;
  if (version[7] < '0' || version[7] > '9') return 400;
  fields.minor = static_cast<unsigned>(version[7] - '0');
  in.at += 8;
  return in.line_end();
}

unsigned header_lines(Scanner& in, Fields& fields) noexcept {
  for (;;) {
    if (in.done()) return kIncomplete;
    if (*in.at == '\r' || *in.at == '\n') return in.line_end();
    const std::string_view name = in.run(kToken);
    if (in.done()) return kIncomplete;
    if (name.empty() || *in.at++ != ':') return 400;
    const std::string_view value = in.run(kValue);
    if (const unsigned status = in.line_end(); status != kOk) return status;
    if (const unsigned status = field(name, value, fields); status != kOk) return status;
  }
}

unsigned conclude(const Fields& fields, Request& out) noexcept {
  // RFC 9112 6.1: both at once is how requests are smuggled.
  if (fields.transfer_status != kOk) return fields.has_length ? 400 : fields.transfer_status;
  out.body_bytes = fields.length;
  const bool keep = !fields.close && (fields.minor >= 1 || fields.keep_alive);
  // We answer at once, so whether a body that waits for "100 Continue" will come is not known.
  if (!keep || (fields.expects && fields.length > 0)) {
    out.persistence = Persistence::kClose;
  } else {
    out.persistence = fields.minor >= 1 ? Persistence::kKeepAlive : Persistence::kKeepAlive10;
  }
  return kOk;
}

}  // namespace

unsigned parse_request(std::string_view bytes, Request& out) noexcept {
  Scanner in{bytes.data(), bytes.data() + std::min(bytes.size(), kMaxHead)};
  // RFC 9112 2.2: empty lines before the request line are passed over.
  while (!in.done() && (*in.at == '\r' || *in.at == '\n')) ++in.at;
  Fields fields;
  unsigned status = request_line(in, out, fields);
  if (status == kOk) {
    status = header_lines(in, fields);
    if (status == kIncomplete && bytes.size() >= kMaxHead) return 431;
  }
  if (status == kIncomplete && bytes.size() >= kMaxHead) return 414;
  if (status != kOk) return status;
  out.head_bytes = static_cast<std::size_t>(in.at - bytes.data());
  return conclude(fields, out);
}

}  // namespace sluice::app
