#include "common/name_table.h"

#include <limits>

#include "common/error.h"
#include "common/hash.h"

namespace zhiyin {

int NameTable::Add(std::string_view name) {
  if (4 * (ends_.size() + 1) > 3 * slots_.size()) Grow();
  const size_t slot = SlotOf(name);
  if (slots_[slot] != kEmpty) return slots_[slot];
  if (size() == std::numeric_limits<int>::max())
    Fail("there are more than ", std::numeric_limits<int>::max(), " names, expected fewer");
  bytes_.Fill().insert(bytes_.Fill().end(), name.begin(), name.end());
  ends_.Fill().push_back(bytes_.size());
  return slots_.Fill()[slot] = size() - 1;
}

int NameTable::Find(std::string_view name) const {
  return empty() ? -1 : slots_[SlotOf(name)];
}

std::string_view NameTable::operator[](int number) const {
  const size_t i = static_cast<size_t>(number);
  const size_t begin = i == 0 ? 0 : ends_[i - 1];
  return {bytes_.values().data() + begin, ends_[i] - begin};
}

size_t NameTable::SlotOf(std::string_view name) const {
  const size_t mask = slots_.size() - 1;
  size_t slot = HashBytes(name) & mask;
  while (slots_[slot] != kEmpty && (*this)[slots_[slot]] != name) slot = (slot + 1) & mask;
  return slot;
}

void NameTable::Grow() {
  constexpr size_t kFirst = 16;
  slots_.Fill().assign(slots_.empty() ? kFirst : 2 * slots_.size(), kEmpty);
  for (int i = 0; i < size(); ++i) slots_.Fill()[SlotOf((*this)[i])] = i;
}

}  // namespace zhiyin
