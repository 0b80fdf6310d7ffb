# Flags every target of ours shares.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE}")
  set(CMAKE_C_COMPILER_LAUNCHER "${CCACHE}")
endif()

add_link_options(-fuse-ld=lld-19)
# valgrind 3.19 reads DWARF 4 only.
add_compile_options(-gdwarf-4)

if(LAYOTTO_SANITIZER STREQUAL "address")
  set(sanitize -fsanitize=address,undefined -fno-sanitize-recover=all)
elseif(LAYOTTO_SANITIZER STREQUAL "thread")
  set(sanitize -fsanitize=thread)
elseif(LAYOTTO_SANITIZER STREQUAL "fuzzer")
  set(sanitize -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all)
endif()
if(sanitize)
  add_compile_options(${sanitize} -fno-omit-frame-pointer)
  add_link_options(${sanitize})
endif()

# Our own code: warnings are errors, no exceptions.
add_library(layotto_options INTERFACE)
target_include_directories(layotto_options INTERFACE "${CMAKE_SOURCE_DIR}/src" "${CMAKE_SOURCE_DIR}")
target_compile_options(layotto_options INTERFACE
  -fno-exceptions -Wall -Wextra -Wshadow -Wconversion -Werror
  -Wno-missing-designated-field-initializers)
add_library(layotto_product_warnings INTERFACE)
target_compile_options(layotto_product_warnings INTERFACE
  -Wexit-time-destructors -Wglobal-constructors)
