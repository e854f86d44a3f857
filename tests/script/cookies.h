// SPDX-License-Identifier: BSD-3-Clause
// Scenes for SYN cookies.
#pragma once

#include "script/dialogue.h"

namespace sluice::script {

// A slot of cookie time begins with the script.
inline Scene cookie_scene(SynCookies cookies = SynCookies::kAlways) {
  Scene scene;
  scene.host.stack.syn_cookies = cookies;
  scene.start = std::chrono::milliseconds(tcp::kCookieSlot.ms());
  return scene;
}

}  // namespace sluice::script
