// per_thread<T>(): the one T of this thread, made when first asked for, destroyed when the thread
// ends. Only for free lists: anything that carries meaning is passed through constructors.
#pragma once

namespace layotto::base {

template <class T>
T& per_thread() {
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wexit-time-destructors"
  static thread_local T value;
#pragma clang diagnostic pop
  return value;
}

}  // namespace layotto::base
