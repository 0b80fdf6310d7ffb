// What this build calls itself; the version is that of CMakeLists.txt.
#pragma once

namespace layotto::app {

#ifdef LAYOTTO_VERSION
inline constexpr const char* kVersion = LAYOTTO_VERSION;
#else
#error "LAYOTTO_VERSION is set by the build (CMakeLists.txt)"
#endif
// "2026-01-02T03:04:05Z" when it was configured; empty in builds that must be reproducible.
#ifdef LAYOTTO_BUILT
inline constexpr const char* kBuilt = LAYOTTO_BUILT;
#else
inline constexpr const char* kBuilt = "";
#endif

}  // namespace layotto::app
