#include "app/catalog.h"

#include "components/hello/helloworld/helloworld.h"
#include "components/state/embedded/embedded.h"
#include "components/state/memory/memory.h"
#include "components/state/redis/redis.h"

namespace layotto::app {

blocks::Catalog make_catalog() {
  blocks::Catalog catalog;
  catalog.add(components::hello::helloworld::spec());
  catalog.add(components::state::embedded::spec());
  catalog.add(components::state::memory::spec());
  catalog.add(components::state::redis::spec());
  return catalog;
}

}  // namespace layotto::app
