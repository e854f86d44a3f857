// SPDX-License-Identifier: BSD-3-Clause
// A dialogue of segments, calls and time against one stack (script.h). After every event every invariant holds, every frame
// has one verdict; at the end no record, timer or buffer is left.
#include "fuzz/script.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::fuzz;
  Input input({data, size});
  ScriptOptions options;
  options.setup = read_setup(input);
  HostWorld world(options.setup);
  play(input, world, options);
  return 0;
}
