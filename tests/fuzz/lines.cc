// SPDX-License-Identifier: BSD-3-Clause
// What the remote service reads: a stream cut into lines, in whatever pieces it comes, beside a naive cut; and each line as a
// request, which written down again in full is the same request.
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "app/line_reader.h"
#include "app/remote_request.h"
#include "fuzz/input.h"

namespace sluice::fuzz {
namespace {

using app::RemoteRequest, app::Verb;

struct Line {
  std::string text;
  bool too_long = false;
  friend bool operator==(const Line&, const Line&) = default;
};

std::vector<Line> naive_lines(const std::string& bytes, std::size_t max) {
  std::vector<Line> out;
  const auto add = [&](const std::string& text) { out.push_back(text.size() > max ? Line{"", true} : Line{text, false}); };
  std::string line;
  for (const char c : bytes) {
    if (c != '\n') {
      line += c;
      continue;
    }
    add(line);
    line.clear();
  }
  if (!line.empty()) add(line);
  return out;
}

// Pieces of so many bytes, all of them read before the next comes or not.
std::vector<Line> read_lines(const std::string& bytes, std::size_t max, std::size_t piece, bool lazy) {
  std::vector<Line> out;
  app::LineReader reader(max);
  const auto drain = [&] {
    while (const auto line = reader.next()) out.push_back({std::string(line->text), line->too_long});
  };
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    reader.append(std::string_view(bytes).substr(at, piece));
    if (!lazy) drain();
  }
  reader.finish();
  drain();
  require(reader.size() == 0, "bytes are left of which no line was made");
  return out;
}

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts) out += part;
  return out;
}

std::string wait(const RemoteRequest& r) { return joined({" wait_ms=", std::to_string(r.wait.ms())}); }

std::string settings(const RemoteRequest& r) {
  std::string out;
  for (const auto& [option, value] : r.options) out += joined({" ", option->name, "=", app::format_remote_value(*option, value)});
  return out;
}

// Every part, in one order.
std::string written(const RemoteRequest& r) {
  const std::string handle = r.handle.kind != 0 ? r.handle.kind + std::to_string(r.handle.number) : "";
  switch (r.verb) {
    case Verb::kListen: {
      const std::string backlog = r.backlog ? joined({" backlog=", std::to_string(*r.backlog)}) : "";
      return joined({"listen ", r.endpoint.to_string(), backlog, settings(r)});
    }
    case Verb::kConnect: return joined({"connect ", r.endpoint.to_string(), " from=", r.from.to_string(), wait(r), settings(r)});
    case Verb::kAccept: return joined({"accept ", handle, wait(r)});
    case Verb::kSend: {
      std::string hex;
      app::append_hex(hex, r.data);
      return joined({"send ", handle, " ", hex.empty() ? joined({"fill=", std::to_string(r.fill)}) : hex});
    }
    case Verb::kRecv: return joined({"recv ", handle, " ", std::to_string(r.max), r.peek ? " peek" : "", wait(r)});
    case Verb::kPoll: return joined({"poll ", handle, r.in ? " in" : "", r.out ? " out" : "", wait(r)});
    case Verb::kShutdown: return joined({"shutdown ", handle, r.read && r.write ? " rdwr" : r.read ? " rd" : " wr"});
    case Verb::kClose: return joined({"close ", handle});
    case Verb::kAbort: return joined({"abort ", handle});
    case Verb::kSet: {
      require(r.options.size() == 1, "set without its one option");
      const auto& [option, value] = r.options[0];
      return joined({"set ", handle, " ", option->name, " ", app::format_remote_value(*option, value)});
    }
    case Verb::kGet: return joined({"get ", handle, " ", r.name});
    case Verb::kReset: return "reset";
  }
  fail("a verb that there is not");
}

Errc parse(const std::string& line, RemoteRequest& out) {
  // Exactly its bytes, so that a sanitizer sees a read beyond them.
  const std::vector<char> copy(line.begin(), line.end());
  return app::parse_remote_line({copy.data(), copy.size()}, out);
}

void request(const std::string& line) {
  RemoteRequest first;
  const Errc result = parse(line, first);
  require(result == Errc::kOk || result == Errc::kInvalid || result == Errc::kNoProtocolOption, "an error that no line has");
  // Blanks between words say nothing.
  std::string spaced;
  for (const char c : line) spaced += c == ' ' || c == '\t' ? " \t" : std::string(1, c);
  RemoteRequest wide;
  require(parse(" " + spaced, wide) == result, "more blanks make another result");
  if (result != Errc::kOk) return;
  const std::string canonical = written(first);
  require(written(wide) == canonical, "more blanks make another request", canonical.c_str());
  RemoteRequest second;
  require(parse(canonical, second) == Errc::kOk, "written again it is not understood", canonical.c_str());
  require(written(second) == canonical, "written again it is another request", canonical.c_str());
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::fuzz;
  Input in({data, size});
  const std::uint8_t how = in.u8();
  const std::string bytes(in.rest().begin(), in.rest().end());
  const std::size_t max = (how & 0x80U) != 0 ? 8 : 400;
  const std::vector<Line> lines = naive_lines(bytes, max);
  require(read_lines(bytes, max, 1 + how / 2 % 64, (how & 1U) != 0) == lines, "the naive cut gives other lines");
  for (const Line& line : lines) {
    if (!line.too_long) request(line.text);
  }
  return 0;
}
