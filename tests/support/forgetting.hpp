// Empties the register of secret values, which is the process's: other tests are to find it empty.
#pragma once

#include <sennit/agent/io/secrets.hpp>

namespace sennit::testing {

struct Forgetting {
  Forgetting() { secrets::forget_all(); }
  ~Forgetting() { secrets::forget_all(); }
  Forgetting(const Forgetting&) = delete;
  Forgetting& operator=(const Forgetting&) = delete;
};

}  // namespace sennit::testing
