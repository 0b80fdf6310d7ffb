#include "app/catalog.h"

#include "components/hello/helloworld/helloworld.h"
#include "components/state/embedded/embedded.h"
#include "components/state/memory/memory.h"

namespace layotto::app {

blocks::Catalog make_catalog() {
  blocks::Catalog catalog;
  catalog.add(components::hello::helloworld::spec());
  catalog.add(components::state::embedded::spec());
  catalog.add(components::state::memory::spec());
  return catalog;
}

}  // namespace layotto::app
