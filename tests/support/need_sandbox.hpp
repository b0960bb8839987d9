// For tests that need a real sandbox, which a bare machine may lack.
#pragma once

#include <sennit/agent/io/sandbox.hpp>

#include <catch2/catch_test_macros.hpp>

/// Skips the test, with the reason, where no sandbox is possible.
#define NEED_SANDBOX() \
  if (!sennit::sandbox::support().possible) SKIP(sennit::sandbox::support().obstacle)
