"""Reports of Vivado HLS and Vitis HLS: synthesis as XML and as text, its summary, co-simulation, implementation."""
