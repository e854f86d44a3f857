// SPDX-License-Identifier: BSD-3-Clause
// Every script runs over both families.
#include "script/dialogue.h"

namespace sluice::script {

INSTANTIATE_TEST_SUITE_P(Wire, Family, ::testing::Values(Ip::kV4, Ip::kV6),
                         [](const auto& family) { return family.param == Ip::kV4 ? "IPv4" : "IPv6"; });

}  // namespace sluice::script
