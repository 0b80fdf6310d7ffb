# The protos of ours, compiled into one library. Optimised and without debug information in every
# preset; sanitizers are left out, it is generated code.
file(GLOB_RECURSE proto_files CONFIGURE_DEPENDS RELATIVE "${CMAKE_SOURCE_DIR}/proto"
     "${CMAKE_SOURCE_DIR}/proto/*.proto")
set(proto_out "${CMAKE_BINARY_DIR}/protos")
file(MAKE_DIRECTORY "${proto_out}")
set(proto_sources "")
foreach(proto ${proto_files})
  string(REGEX REPLACE "\\.proto$" ".pb" stem "${proto}")
  add_custom_command(
    OUTPUT "${proto_out}/${stem}.cc" "${proto_out}/${stem}.h"
    COMMAND ${PROTOC} -I "${CMAKE_SOURCE_DIR}/proto" --cpp_out=${proto_out} ${proto}
    DEPENDS "${CMAKE_SOURCE_DIR}/proto/${proto}"
    COMMENT "protoc ${proto}" VERBATIM)
  list(APPEND proto_sources "${proto_out}/${stem}.cc")
endforeach()
add_library(layotto_protos STATIC ${proto_sources})
target_include_directories(layotto_protos SYSTEM PUBLIC "${proto_out}")
target_compile_options(layotto_protos PRIVATE -O2 -g0 -w -fno-sanitize=all)
target_link_libraries(layotto_protos PUBLIC lib::protobuf)
