# layotto_add_room(<room> [DEPENDS rooms...] [LIBRARIES libs...] [THREADS] [PROTOS])
# One static library per room from all of its sources; x_test.cc files become one test binary per
# room, x_fuzz.cc files one fuzz target each (replaying its corpus as a test).
# THREADS: its tests also run under ThreadSanitizer (ctest label "threads").

set(LAYOTTO_ROOMS "" CACHE INTERNAL "")

if(LAYOTTO_TESTS)
  enable_testing()
  # gtest is costly to parse: once, for every test.
  file(WRITE "${CMAKE_BINARY_DIR}/test_main.cc"
    "#include <gtest/gtest.h>\n"
    "int main(int argc, char** argv) {\n"
    "  ::testing::InitGoogleTest(&argc, argv);\n"
    "  ::testing::FLAGS_gtest_death_test_style = \"threadsafe\";\n"
    "  return RUN_ALL_TESTS();\n}\n")
  add_library(layotto_test_main STATIC "${CMAKE_BINARY_DIR}/test_main.cc")
  target_link_libraries(layotto_test_main PUBLIC layotto_options lib::gtest lib::fmt)
  target_compile_definitions(layotto_test_main PUBLIC LAYOTTO_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  target_precompile_headers(layotto_test_main PUBLIC
    <gtest/gtest.h> <string> <vector> <memory> <optional> <span> <string_view> <fmt/core.h>
    <chrono> <coroutine> <expected> <algorithm>)
endif()

# layotto_add_test(<name> SOURCES ... LIBRARIES ... [LABELS ...] [TIMEOUT seconds])
function(layotto_add_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LIBRARIES;LABELS" ${ARGN})
  if(LAYOTTO_SANITIZER STREQUAL "thread" AND NOT "threads" IN_LIST ARG_LABELS)
    return()
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE layotto_test_main ${ARG_LIBRARIES})
  target_precompile_headers(${name} REUSE_FROM layotto_test_main)
  set_target_properties(${name} PROPERTIES ENABLE_EXPORTS ON)
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT})
  set_property(GLOBAL APPEND PROPERTY LAYOTTO_TEST_TARGETS ${name})
endfunction()

# layotto_add_fuzz(<name> <source> CORPUS <dir> LIBRARIES ...): a libFuzzer binary under the fuzzer
# sanitizer, elsewhere a program that replays the corpus, run as a test.
function(layotto_add_fuzz name source)
  cmake_parse_arguments(ARG "" "CORPUS" "LIBRARIES" ${ARGN})
  if(LAYOTTO_SANITIZER STREQUAL "thread")
    return()
  endif()
  if(LAYOTTO_SANITIZER STREQUAL "fuzzer")
    add_executable(${name} ${source})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  else()
    add_executable(${name} ${source} "${CMAKE_SOURCE_DIR}/tests/support/fuzz_replay.cc")
    add_test(NAME ${name} COMMAND ${name} "${CMAKE_SOURCE_DIR}/tests/fuzz_corpus/${ARG_CORPUS}")
    set_tests_properties(${name} PROPERTIES LABELS "fuzz" TIMEOUT 120)
  endif()
  set_target_properties(${name} PROPERTIES ENABLE_EXPORTS ON)
  target_link_libraries(${name} PRIVATE layotto_options ${ARG_LIBRARIES})
  if(TARGET layotto_tests_support)
    target_link_libraries(${name} PRIVATE layotto_tests_support)
  endif()
endfunction()

function(layotto_add_room room)
  cmake_parse_arguments(ARG "THREADS" "" "DEPENDS;LIBRARIES" ${ARGN})
  set(dir "${CMAKE_SOURCE_DIR}/src/${room}")
  string(REPLACE "/" "_" target "${room}")
  file(GLOB_RECURSE all CONFIGURE_DEPENDS "${dir}/*.cc")
  set(sources ${all})
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz|bench)\\.cc$")
  list(FILTER sources EXCLUDE REGEX "/app/main\\.cc$")
  set(tests ${all})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  set(fuzzers ${all})
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")

  add_library(layotto_${target} STATIC ${sources})
  foreach(dependency ${ARG_DEPENDS})
    target_link_libraries(layotto_${target} PUBLIC layotto_${dependency})
  endforeach()
  foreach(library ${ARG_LIBRARIES})
    target_link_libraries(layotto_${target} PUBLIC lib::${library})
  endforeach()
  target_link_libraries(layotto_${target} PUBLIC layotto_options PRIVATE layotto_product_warnings)
  # One precompiled header for all rooms: what nearly every file includes.
  if(room STREQUAL "async")
    target_precompile_headers(layotto_async PUBLIC
      <string> <vector> <memory> <optional> <span> <string_view> <algorithm> <array> <cstring>
      "${CMAKE_SOURCE_DIR}/src/base/error.h" "${CMAKE_SOURCE_DIR}/src/async/task.h")
  elseif(NOT room STREQUAL "base")
    target_precompile_headers(layotto_${target} REUSE_FROM layotto_async)
  endif()

  if(LAYOTTO_TESTS AND tests)
    set(labels "")
    if(ARG_THREADS)
      set(labels threads)
    endif()
    layotto_add_test(${target}_test SOURCES ${tests} LIBRARIES layotto_${target} LABELS ${labels})
    if(TARGET layotto_tests_support AND TARGET ${target}_test)
      target_link_libraries(${target}_test PRIVATE layotto_tests_support)
    endif()
  endif()
  if(LAYOTTO_TESTS)
    foreach(source ${fuzzers})
      get_filename_component(name "${source}" NAME_WE)
      file(RELATIVE_PATH relative "${dir}" "${source}")
      layotto_add_fuzz(${target}_${name} ${source} CORPUS ${target}_${name}
                       LIBRARIES layotto_${target})
    endforeach()
  endif()
endfunction()
