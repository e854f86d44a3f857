// SPDX-License-Identifier: BSD-3-Clause
// A byte string as a dialogue: what the peer sends, what the application calls, how time passes. The peer keeps its own
// account of each flow from what it hears, so that a few bytes lead deep: 0 for a field mostly means "as it should be".
//
// Oracles on the way: the checks of World after every event; every frame of the stack is well-formed; every byte it sends
// and every byte it delivers is the one that belongs at its sequence number.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "fuzz/input.h"
#include "fuzz/world.h"

namespace sluice::fuzz {

// For each event, for each flow: what was sent and what the application was told, as text.
using Transcript = std::vector<std::array<std::string, kFlows>>;

struct ScriptOptions {
  Transcript* transcript = nullptr;
  bool opens = true;   // our own connects
  bool spoilt = true;  // frames that are not what they should be, ICMP errors
  bool whole_frames = false;  // in the transcript, IP header and all
  Setup setup{};              // what the peer may know of the world's
};

void play(Input input, World& world, const ScriptOptions& options);
// Aborts where two transcripts differ, and says where.
void compare(const Transcript& a, const Transcript& b, const char* what);

}  // namespace sluice::fuzz
