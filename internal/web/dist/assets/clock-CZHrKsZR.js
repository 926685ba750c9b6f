import{q as e}from"./index-6o2t_G2f.js";const n=e(Date.now());setInterval(()=>{document.hidden||(n.value=Date.now())},1e3);export{n};
