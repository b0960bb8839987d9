#include <cstdio>

int main() { std::puts("sennit 0.1.0"); }
