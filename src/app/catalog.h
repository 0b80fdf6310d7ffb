// What this product can be configured with: every component, one line each. A library of its own,
// so that the conformance tests run over the same list.
#pragma once

#include "blocks/catalog.h"

namespace layotto::app {

blocks::Catalog make_catalog();

}  // namespace layotto::app
