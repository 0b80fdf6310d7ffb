// Mounting: which rpc is answered by which method. Every rpc of the services this product serves is
// here: one that is not built yet answers UNIMPLEMENTED naming itself, never a fake success.
#pragma once

#include <string_view>
#include <vector>

#include "api/hello_api.h"
#include "api/state_api.h"
#include "grpc/server.h"

namespace layotto::api {

// The services of one worker.
struct Services {
  StateApi& state;
  HelloApi& hello;
};
void mount(grpc::Server& server, Services services);

// Full names of the services whose rpcs mount() adds.
std::vector<std::string_view> served_services();

}  // namespace layotto::api
