// IntrusiveList: a doubly linked list whose links live in the elements. Linking and unlinking cost
// a few instructions and never allocate; an element leaves its list when it dies.
#pragma once

#include "base/check.h"

namespace layotto::base {

// Tag lets one object be in several lists: struct X : ListLink<struct Ready>, ListLink<struct
// Stop>.
template <class Tag>
class ListLink {
 public:
  ListLink() = default;
  ListLink(const ListLink&) = delete;
  ListLink& operator=(const ListLink&) = delete;
  ~ListLink() { unlink(); }

  [[nodiscard]] bool linked() const { return next_ != nullptr; }
  void unlink() {
    if (next_ == nullptr) return;
    next_->previous_ = previous_;
    previous_->next_ = next_;
    next_ = previous_ = nullptr;
  }

 private:
  template <class T, class U>
  friend class IntrusiveList;
  ListLink* next_ = nullptr;
  ListLink* previous_ = nullptr;
};

// T derives from ListLink<Tag>. The list does not own its elements.
template <class T, class Tag>
class IntrusiveList {
  using Link = ListLink<Tag>;

 public:
  IntrusiveList() { ends_.next_ = ends_.previous_ = &ends_; }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;
  ~IntrusiveList() {
    while (pop_front() != nullptr) {
    }
    ends_.next_ = ends_.previous_ = nullptr;
  }

  [[nodiscard]] bool empty() const { return ends_.next_ == &ends_; }
  [[nodiscard]] T* front() { return empty() ? nullptr : element(ends_.next_); }
  [[nodiscard]] T* back() { return empty() ? nullptr : element(ends_.previous_); }
  void push_back(T& element) { insert_before(ends_, element); }
  void push_front(T& element) { insert_before(*ends_.next_, element); }
  T* pop_front() {
    if (empty()) return nullptr;
    T* first = element(ends_.next_);
    static_cast<Link*>(first)->unlink();
    return first;
  }
  // The element after `at`, nullptr at the end.
  [[nodiscard]] T* after(T& at) {
    Link* next = static_cast<Link&>(at).next_;
    return next == &ends_ ? nullptr : element(next);
  }
  // Moves all elements of `other` behind ours.
  void splice_back(IntrusiveList& other) {
    if (other.empty()) return;
    Link* first = other.ends_.next_;
    Link* last = other.ends_.previous_;
    other.ends_.next_ = other.ends_.previous_ = &other.ends_;
    first->previous_ = ends_.previous_;
    ends_.previous_->next_ = first;
    last->next_ = &ends_;
    ends_.previous_ = last;
  }

 private:
  static T* element(Link* link) { return static_cast<T*>(link); }
  void insert_before(Link& at, T& element) {
    Link& link = element;
    DCHECK(!link.linked());
    link.previous_ = at.previous_;
    link.next_ = &at;
    at.previous_->next_ = &link;
    at.previous_ = &link;
  }
  Link ends_;
};

}  // namespace layotto::base
